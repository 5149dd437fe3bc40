"""PingOne: a SAML application."""

from orgs.providers.attributes import AttributeRow, ProfileField, accepted
from orgs.providers.fixes import beyond_settings, renewal_steps
from orgs.providers.idp_settings import NameIdFormat, Setting
from orgs.providers.types import FormField, Instruction, MetadataHint, MetadataWay, SamlGuide, SpValue

ATTRIBUTES = (
    AttributeRow(ProfileField.EMAIL, "email", "Email Address"),
    AttributeRow(ProfileField.GIVEN_NAME, "firstName", "Given Name"),
    AttributeRow(ProfileField.FAMILY_NAME, "lastName", "Family Name"),
)

SAML = SamlGuide(
    summary="A SAML application in a PingOne environment.",
    before=(
        Instruction(
            "In PingOne’s admin console open **Applications → Applications** and choose **+**.",
            note="Older consoles: Connections → Applications.",
        ),
        Instruction("Enter an **Application Name** that your people will recognize, such as Gatehouse."),
        Instruction("Choose **SAML Application**, then **Configure**."),
        Instruction(
            "Choose **Manually Enter**.",
            note="Import Metadata takes our metadata file instead, and fills both fields in.",
        ),
    ),
    form=(
        FormField(SpValue.ACS_URL, "ACS URLs", "One is enough: the first, if there are more."),
        FormField(SpValue.SP_ENTITY_ID, "Entity ID", "Case-sensitive."),
        FormField(
            SpValue.NAME_ID_FORMAT,
            "Subject NameID Format",
            "Later, on the tab Configuration. Choose the entry that ends with emailAddress.",
        ),
        FormField(SpValue.SUBJECT_NAME, "saml_subject", "Later, on the tab Attribute Mappings. Choose Email Address."),
        FormField(
            SpValue.LOGIN_URL,
            "Login URL",
            "This form doesn’t ask for it. It is where a sign-in starts on our side.",
            required=False,
        ),
    ),
    after_copy=(
        Instruction("Choose **Save**. Then open the tab **Configuration** and choose the pencil."),
        Instruction(
            "Set **Subject NameID Format**, and leave the signing algorithm at **RSA_SHA256**. Leave encryption off.",
            note="Sign the assertion, the response, or both: all are accepted. So are PingOne’s other algorithms.",
        ),
        Instruction("Choose **Save**."),
    ),
    attributes=ATTRIBUTES,
    attribute_steps=(
        Instruction("Open the tab **Attribute Mappings** and choose the pencil."),
        Instruction(
            "Set **saml_subject** to **Email Address**.",
            note="It stands at User ID, which says nothing to us.",
        ),
        Instruction(
            "Choose **+ Add** for each row: our name at the left, the source under **PingOne Mappings**; then **Save**."
        ),
    ),
    metadata=(
        MetadataHint(MetadataWay.URL, "Tab Configuration (newer consoles: Overview): IDP Metadata URL"),
        MetadataHint(MetadataWay.FILE, "Tab Configuration (newer consoles: Overview): Download Metadata"),
        MetadataHint(
            MetadataWay.MANUAL,
            "Tab Configuration (newer consoles: Overview): Issuer ID as entity ID, Single Signon Service, and Download "
            "Signing Certificate (X.509)",
        ),
    ),
    assign=(
        Instruction(
            "In the list of applications, switch the app on with the toggle at its right.",
            note="A new app is off, and lets nobody in.",
        ),
        Instruction("Open the tab **Access**, choose the pencil, choose the groups that may sign in, then **Save**."),
    ),
    traps=(
        "A new app is switched off. Enable it with its toggle before you test.",
        "saml_subject stands at User ID until you map it to Email Address.",
        "The Entity ID must be unique within the environment: use one app per connection.",
        (
            "Each environment has its own issuer and certificates. Take the metadata from the environment that your people "
            "are in."
        ),
    ),
    name_id_format=NameIdFormat.EMAIL,
    aliases=accepted(ATTRIBUTES),
    fixes={
        **beyond_settings("PingOne"),
        Setting.SP_ENTITY_ID: "Tab Configuration → Entity ID must be exactly the SP Entity ID of this connection.",
        Setting.ACS_URL: "Tab Configuration → ACS URLs: the first must be exactly the ACS URL of this connection.",
        Setting.IDP_ENTITY_ID: "The answer comes from another environment. Tab Configuration → Issuer ID names it; hand "
        "over the IDP Metadata URL of this app again.",
        Setting.METADATA: "PingOne signs with another certificate than the one we know. Tab Configuration → IDP Metadata "
        "URL: hand it over again.",
        Setting.NAME_ID: "Tab Attribute Mappings → saml_subject must be Email Address; tab Configuration → Subject NameID "
        "Format must be the entry that ends with emailAddress.",
        Setting.ALGORITHM: "Tab Configuration → the algorithm beside the signing key must be RSA_SHA256 or stronger.",
        Setting.SIGNING: "Tab Configuration → beside the signing key: sign the assertion, the response, or both. If this "
        "connection demands both signatures, choose both.",
        Setting.ENCRYPTION: "Tab Configuration → switch encryption of the assertion off.",
        Setting.ATTRIBUTES: "Tab Attribute Mappings: there must be email, firstName and lastName, or the "
        "names that were entered here, and the person must "
        "have a value for each.",
        Setting.IDP_INITIATED: "PingOne’s tile brings people unasked. Give them the Login URL of this connection as a "
        "bookmark; or, on the connection’s page, allow the identity provider to begin sign-ins.",
        Setting.ASSIGNMENT: "The app’s toggle must be on, and on the tab Access there must be a group that the person "
        "belongs to, or none.",
    },
    renewal=renewal_steps(
        Instruction(
            "In PingOne open **Settings → Certificates & Key Pairs**, add a key pair for signing, and download its certificate."
        ),
        "enter the new certificate by hand",
        Instruction(
            "In PingOne open the app’s tab **Configuration**, choose the pencil, choose the new **Signing Key**, then **Save**."
        ),
    ),
)
