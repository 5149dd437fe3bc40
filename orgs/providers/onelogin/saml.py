"""OneLogin: the SAML Custom Connector (Advanced)."""

from orgs.providers.attributes import AttributeRow, ProfileField, accepted
from orgs.providers.fixes import beyond_settings, renewal_steps
from orgs.providers.idp_settings import NameIdFormat, Setting
from orgs.providers.types import FormField, Instruction, MetadataHint, MetadataWay, SamlGuide, SpValue

ATTRIBUTES = (
    AttributeRow(ProfileField.EMAIL, "email", "Email"),
    AttributeRow(ProfileField.GIVEN_NAME, "firstName", "First Name"),
    AttributeRow(ProfileField.FAMILY_NAME, "lastName", "Last Name"),
)

SAML = SamlGuide(
    summary="The SAML Custom Connector (Advanced) in OneLogin’s Administration.",
    before=(
        Instruction("In OneLogin’s **Administration** open **Applications → Applications** and choose **Add App**."),
        Instruction("Search for **SAML Custom Connector (Advanced)**, and choose it."),
        Instruction("Enter a **Display Name** that your people will recognize, such as Gatehouse, then **Save**."),
        Instruction("At the left, open **Configuration**."),
    ),
    form=(
        FormField(SpValue.SP_ENTITY_ID, "Audience (EntityID)", "Case-sensitive."),
        FormField(
            SpValue.ACS_URL, "ACS (Consumer) URL", "Paste it into Recipient, too. The Validator is the next step."
        ),
        FormField(SpValue.LOGIN_URL, "Login URL", "OneLogin’s tile opens it when a sign-in starts on our side."),
        FormField(SpValue.NAME_ID_FORMAT, "SAML nameID format", "Choose Email."),
        FormField(SpValue.SUBJECT_NAME, "NameID value", "On the page Parameters. Choose Email."),
    ),
    after_copy=(
        Instruction(
            "**ACS (Consumer) URL Validator** takes the ACS URL as a regular expression: put **^** before it, **\\** before "
            "each **/** and each **.**, and **$** after it.",
            note=r"For example ^https:\/\/sso\.example\.com\/saml\/1234\/acs$",
        ),
        Instruction("Set **SAML initiator** to **Service Provider**."),
        Instruction(
            "Leave **RelayState** empty, **SAML signature element** as it is, and **Encrypt assertion** unticked.",
            note="We accept a signed response, a signed assertion, and both.",
        ),
        Instruction(
            "**Save**. Then open **SSO**, set **SAML Signature Algorithm** to **SHA-256**, and **Save** again.",
            note="Older apps have SHA-1 there, which we refuse.",
        ),
    ),
    attributes=ATTRIBUTES,
    attribute_steps=(
        Instruction("Open **Parameters** and choose **+** for each row."),
        Instruction("Type our name as **Field name**, tick **Include in SAML assertion**, then **Save**."),
        Instruction("Choose the source as **Value**, then **Save**; at the end, **Save** the app."),
    ),
    metadata=(
        MetadataHint(MetadataWay.URL, "Page SSO: Issuer URL, which is the link to the metadata as well"),
        MetadataHint(MetadataWay.FILE, "Above the page: More Actions → SAML Metadata"),
        MetadataHint(
            MetadataWay.MANUAL,
            "Page SSO: Issuer URL as entity ID, SAML 2.0 Endpoint (HTTP), and X.509 Certificate → View Details",
        ),
    ),
    assign=(
        Instruction("In the app, open **Access**."),
        Instruction(
            "Choose the roles whose people may sign in, then **Save**.",
            note="For one person: Users, the person, Applications, +.",
        ),
    ),
    traps=(
        (
            "The ACS (Consumer) URL Validator is a regular expression. An unescaped or wrong one stops every sign-in at "
            "OneLogin."
        ),
        "SAML Signature Algorithm may stand at SHA-1. Choose SHA-256.",
        "The Issuer URL is the entity ID and the metadata URL in one. Copy it from the page SSO, not from the browser.",
        "A parameter without the tick Include in SAML assertion isn’t sent.",
        "With OneLogin as SAML initiator the tile brings people here unasked, which a connection refuses unless you allow it.",
    ),
    name_id_format=NameIdFormat.EMAIL,
    aliases=accepted(ATTRIBUTES),
    fixes={
        **beyond_settings("OneLogin"),
        Setting.SP_ENTITY_ID: "Configuration → Audience (EntityID) must be exactly the SP Entity ID of this connection.",
        Setting.ACS_URL: "Configuration → Recipient and ACS (Consumer) URL must both be exactly the ACS URL of this "
        "connection, and ACS (Consumer) URL Validator must fit it.",
        Setting.IDP_ENTITY_ID: "The answer comes from another OneLogin app. SSO → Issuer URL of this app: hand it over "
        "again, or send people to the right tile.",
        Setting.METADATA: "OneLogin signs with another certificate than the one we know. SSO → Issuer URL: hand it over "
        "again.",
        Setting.NAME_ID: "Configuration → SAML nameID format must be Email, and Parameters → NameID value must be Email.",
        Setting.ALGORITHM: "SSO → SAML Signature Algorithm must be SHA-256.",
        Setting.SIGNING: "Configuration → SAML signature element: Response, Assertion or Both will do, unless this "
        "connection demands both signatures: then Both.",
        Setting.ENCRYPTION: "Configuration → Encrypt assertion must not be ticked.",
        Setting.ATTRIBUTES: "Parameters: there must be email, firstName and lastName, or the names that were "
        "entered here, each with Include in SAML assertion "
        "ticked, and the person must have a value for each.",
        Setting.IDP_INITIATED: "Configuration → SAML initiator must be Service Provider, and Login URL the Login URL of "
        "this connection; or, on the connection’s page, allow the identity provider to begin sign-ins.",
        Setting.ASSIGNMENT: "Access → Roles: choose a role that the person has; or Users → the person → Applications → +. "
        "With SCIM, this also adds the person here.",
    },
    renewal=renewal_steps(
        Instruction(
            "In OneLogin open **Security → Certificates**, choose **New**, then **Save**, and download it as X.509 PEM."
        ),
        "enter the new certificate by hand",
        Instruction(
            "In OneLogin open the app’s tab **SSO**, choose **Change** below **X.509 Certificate**, choose the new one, then "
            "**Save**."
        ),
    ),
)
