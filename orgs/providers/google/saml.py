"""Google Workspace: a custom SAML app."""

from orgs.providers.attributes import AttributeRow, ProfileField, accepted
from orgs.providers.fixes import beyond_settings, renewal_steps
from orgs.providers.idp_settings import NameIdFormat, Setting
from orgs.providers.types import FormField, Instruction, MetadataHint, MetadataWay, SamlGuide, SpValue

ATTRIBUTES = (
    AttributeRow(ProfileField.EMAIL, "email", "Primary email"),
    AttributeRow(ProfileField.GIVEN_NAME, "firstName", "First name"),
    AttributeRow(ProfileField.FAMILY_NAME, "lastName", "Last name"),
)

SAML = SamlGuide(
    summary="A custom SAML app in Google’s Admin console.",
    before=(
        Instruction("In Google’s Admin console open **Apps → Web and mobile apps**."),
        Instruction("Choose **Add app → Add custom SAML app**."),
        Instruction("Enter an **App name** that your people will recognize, such as Gatehouse, then **Continue**."),
        Instruction(
            "On the page **Google Identity Provider details** choose **Download metadata**, keep the file for a later "
            "step, then **Continue**.",
            note="Google offers no link to the metadata, so the file is what we need.",
        ),
    ),
    form=(
        FormField(SpValue.ACS_URL, "ACS URL", "Google takes addresses that begin with https:// only."),
        FormField(SpValue.SP_ENTITY_ID, "Entity ID", "Case-sensitive."),
        FormField(SpValue.NAME_ID_FORMAT, "Name ID format", "Choose EMAIL."),
        FormField(SpValue.SUBJECT_NAME, "Name ID", "Choose Basic Information > Primary email."),
        FormField(
            SpValue.LOGIN_URL,
            "Login URL",
            "This form has no field for it, and Start URL isn’t one. It is where a sign-in starts on our side.",
            required=False,
        ),
    ),
    after_copy=(
        Instruction("Leave **Start URL** empty."),
        Instruction(
            "Leave **Signed response** as it is.",
            note="Unticked, Google signs the assertion; ticked, the response. We accept either.",
        ),
        Instruction("Choose **Continue**."),
    ),
    attributes=ATTRIBUTES,
    attribute_steps=(
        Instruction(
            "On the page **Attribute mapping** choose **Add mapping** for each row: the source under **Google Directory "
            "attributes**, our name under **App attributes**."
        ),
        Instruction("Choose **Finish**."),
    ),
    metadata=(
        MetadataHint(MetadataWay.FILE, "The file from before; or open the app again: Download metadata"),
        MetadataHint(
            MetadataWay.MANUAL, "Open the app: Download metadata shows SSO URL, Entity ID and Certificate to copy"
        ),
    ),
    assign=(
        Instruction(
            "Open the app and choose **User access**.",
            note="It is OFF for everyone until you change it.",
        ),
        Instruction(
            "Choose **ON for everyone**, or an organizational unit or group at the left and **ON** there, then **Save**.",
            note="Google says that it may take up to 24 hours. Mostly it takes minutes.",
        ),
    ),
    traps=(
        "There is no metadata URL: upload the file. When Google’s certificate changes, upload the new one.",
        "User access is OFF by default. Until it is on, Google shows app_not_enabled_for_user, and we hear nothing.",
        (
            "app_not_configured_for_user means that the Entity ID differs from ours, or that another Google account is "
            "signed in in this browser."
        ),
        "An Entity ID may be used by one app only. Google refuses a second one with “duplicate entity id”.",
        "Start URL is sent along as RelayState. Leave it empty: where people land after signing in is decided here.",
        "Custom apps of Google Workspace don’t provision by SCIM.",
    ),
    name_id_format=NameIdFormat.EMAIL,
    aliases=accepted(ATTRIBUTES),
    fixes={
        **beyond_settings("Google Workspace"),
        Setting.SP_ENTITY_ID: "Open the app → Service provider details: Entity ID must be exactly the SP Entity ID of "
        "this connection.",
        Setting.ACS_URL: "Open the app → Service provider details: ACS URL must be exactly the ACS URL of this connection.",
        Setting.IDP_ENTITY_ID: "The answer comes from another Google Workspace account. Open the app there → Download "
        "metadata, and upload the file again.",
        Setting.METADATA: "Google signs with another certificate than the one we know. Open the app → Download metadata, "
        "and upload the file.",
        Setting.NAME_ID: "Open the app → Service provider details: Name ID format must be EMAIL, and Name ID "
        "Basic Information > Primary email.",
        Setting.ALGORITHM: "Google signs with RSA-SHA256, and there is nothing to choose. Download the metadata and "
        "upload it again, to be sure that Google is what answered.",
        Setting.SIGNING: "Open the app → Service provider details: tick Signed response. This connection mustn’t demand "
        "both signatures, because Google makes one.",
        Setting.ENCRYPTION: "Open the app → Service provider details: switch off whatever encrypts the assertion.",
        Setting.ATTRIBUTES: "Open the app → SAML attribute mapping: Primary email must go to email, First name to "
        "firstName, Last name to lastName; or each to the name that was entered here.",
        Setting.IDP_INITIATED: "Google’s app launcher brings people unasked. Give them the Login URL of this connection "
        "as a bookmark; or, on the connection’s page, allow the identity provider to begin sign-ins.",
        Setting.ASSIGNMENT: "Open the app → User access: it must be ON for the person’s organizational unit or group.",
    },
    renewal=renewal_steps(
        Instruction(
            "In the Admin console open **Security → Authentication → SSO with SAML applications**, and choose **Add "
            "certificate**. Then download the metadata."
        ),
        "upload the new metadata",
        Instruction(
            "In the Admin console open the app, then **Service provider details**, choose the new certificate, then **Save**."
        ),
    ),
)
