"""Any other identity provider that speaks SAML 2.0, in the words that most of them use."""

from orgs.providers.attributes import AttributeRow, ProfileField, accepted
from orgs.providers.fixes import beyond_settings, renewal_steps
from orgs.providers.idp_settings import NameIdFormat, Setting
from orgs.providers.types import FormField, Instruction, MetadataHint, MetadataWay, SamlGuide, SpValue

ATTRIBUTES = (
    AttributeRow(ProfileField.EMAIL, "email", "the person’s email address"),
    AttributeRow(ProfileField.GIVEN_NAME, "firstName", "the first name"),
    AttributeRow(ProfileField.FAMILY_NAME, "lastName", "the last name"),
    AttributeRow(ProfileField.DISPLAY_NAME, "displayName", "the whole name, as it is shown", required=False),
)

SAML = SamlGuide(
    summary="Any identity provider that speaks SAML 2.0: AD FS, Keycloak, Shibboleth, authentik, Duo …",
    before=(
        Instruction(
            "In your identity provider’s admin console, add an application or client for SAML 2.0.",
            note="It may be called an app, a client, a relying party trust, a service provider or an SP connection.",
        ),
        Instruction(
            "If it can read a service provider’s metadata, give it the link below, or our metadata file.",
            note="That fills in everything but the name identifier and the attributes. Check those, and go on.",
        ),
        Instruction("Otherwise choose to enter the details by hand, and use the values below."),
    ),
    form=(
        FormField(
            SpValue.SP_METADATA_URL,
            "Service provider metadata",
            "Also: metadata URL, import from URL, federation metadata address.",
            required=False,
        ),
        FormField(
            SpValue.IDP_ENTITY_ID,
            "Entity ID of the identity provider",
            "Only if yours lets you choose it. Most have one of their own: then leave it, and we read it from the metadata.",
            required=False,
        ),
        FormField(
            SpValue.SP_ENTITY_ID,
            "Entity ID of the service provider",
            "Also: audience, identifier, client ID, relying party identifier, SP issuer. Case-sensitive.",
        ),
        FormField(
            SpValue.ACS_URL,
            "Assertion Consumer Service (ACS) URL",
            "Also: reply URL, single sign-on URL, recipient, destination, consumer URL. Binding HTTP-POST.",
        ),
        FormField(
            SpValue.SUBJECT_NAME,
            "Name ID",
            "Also: subject, name identifier, application username. It should be the person’s email address.",
        ),
        FormField(SpValue.NAME_ID_FORMAT, "Name ID format", "In short: emailAddress."),
        FormField(
            SpValue.LOGIN_URL,
            "Login URL",
            "Also: sign-on URL, start page. Where a sign-in starts on our side.",
            required=False,
        ),
    ),
    after_copy=(
        Instruction(
            "Choose **RSA-SHA256** or stronger as signature algorithm, with **SHA-256** or stronger as digest.",
            note="ECDSA with these is accepted as well. SHA-1 isn’t.",
        ),
        Instruction("Have the response signed, or the assertion, or both."),
        Instruction("Leave encryption of assertions off."),
        Instruction(
            "Leave the default relay state empty.",
            note="Where people land after signing in is decided here.",
        ),
    ),
    attributes=ATTRIBUTES,
    attribute_steps=(
        Instruction(
            "Add an attribute (or claim) for each row, with exactly our name and the source that fits.",
            note="If your provider has fixed names, keep them: the usual ones are known, and others can be entered here.",
        ),
        Instruction("Save the application."),
    ),
    metadata=(
        MetadataHint(MetadataWay.URL, "The link to the identity provider’s metadata, if it offers one over https"),
        MetadataHint(
            MetadataWay.FILE, "The metadata as XML: download, export, or open the link and save the page as it is"
        ),
        MetadataHint(
            MetadataWay.MANUAL,
            "The entity ID (issuer), the sign-in URL (SSO URL, for HTTP-Redirect or HTTP-POST) and the signing certificate "
            "(X.509, PEM)",
        ),
    ),
    assign=(
        Instruction(
            "Let the people or groups use the application who are to sign in.",
            note="Look for assignments, access, or an authorization policy. Many providers let nobody in at first.",
        ),
    ),
    traps=(
        "The metadata must be that of your identity provider, and of one only: not ours, and not a whole federation’s.",
        "Entity IDs and URLs are compared letter by letter. A slash at the end makes another one.",
        "Some providers refuse a sign-in when the Name ID format we ask for isn’t set up for the application.",
        "The clock of the identity provider must be right: an answer is good for minutes only.",
        "AD FS sends a Name ID only if a claim rule makes one: transform the email address to Name ID, format Email.",
        "When the signing certificate changes, we need it before the first sign-in with it.",
    ),
    name_id_format=NameIdFormat.EMAIL,
    aliases=accepted(ATTRIBUTES),
    fixes={
        **beyond_settings("your identity provider"),
        Setting.SP_ENTITY_ID: "The application’s audience (entity ID of the service provider, identifier) must be exactly "
        "the SP Entity ID of this connection.",
        Setting.ACS_URL: "The application’s ACS URL (reply URL, recipient, destination) must be exactly the ACS URL of "
        "this connection.",
        Setting.IDP_ENTITY_ID: "The issuer that the identity provider sends must be exactly the IdP Entity ID of this "
        "connection. If it changed on purpose, hand the metadata over again.",
        Setting.METADATA: "The identity provider signs with another certificate than the one we know. Hand its metadata "
        "over again.",
        Setting.NAME_ID: "The application must send one Name ID: the person’s email address, in the format emailAddress.",
        Setting.ALGORITHM: "The application’s signature algorithm must be RSA-SHA256 or stronger, and its digest SHA-256 or "
        "stronger.",
        Setting.SIGNING: "The application must sign the response, the assertion, or both. If this connection demands both "
        "signatures, both.",
        Setting.ENCRYPTION: "Switch encryption of assertions off for the application.",
        Setting.ATTRIBUTES: "The application must send email, firstName and lastName; or enter here the names under which "
        "it sends them.",
        Setting.ASSIGNMENT: "The person, or one of the person’s groups, must be allowed to use the application.",
        Setting.IDP_INITIATED: "The application’s start page (Login URL, sign-on URL) must be exactly the Login URL of this "
        "connection; or, on the connection’s page, allow the identity provider to begin sign-ins.",
        Setting.CLOCK: "Have the clock of the identity provider’s server set by NTP, then try again. The one that Gatehouse "
        "runs on must be right as well.",
    },
    renewal=renewal_steps(
        Instruction(
            "Make a new signing certificate at your identity provider, beside the one that it signs with.",
            note="If it can’t have two, bring the new one’s metadata here at once: until then sign-in fails.",
        ),
        "hand the new metadata or certificate over",
        Instruction("Let your identity provider sign with the new certificate."),
    ),
)
