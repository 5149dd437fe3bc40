"""Microsoft Entra ID: an enterprise application that isn’t in the gallery."""

from orgs.providers.attributes import AttributeRow, ProfileField, accepted
from orgs.providers.fixes import beyond_settings, renewal_steps
from orgs.providers.idp_settings import NameIdFormat, Setting
from orgs.providers.types import FormField, Instruction, MetadataHint, MetadataWay, SamlGuide, SpValue

CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"
ATTRIBUTES = (
    AttributeRow(ProfileField.EMAIL, f"{CLAIMS}/emailaddress", "user.mail"),
    AttributeRow(ProfileField.GIVEN_NAME, f"{CLAIMS}/givenname", "user.givenname"),
    AttributeRow(ProfileField.FAMILY_NAME, f"{CLAIMS}/surname", "user.surname"),
    AttributeRow(ProfileField.DISPLAY_NAME, "displayName", "user.displayname", required=False),
)

SAML = SamlGuide(
    summary="An enterprise application in the Microsoft Entra admin center (once Azure AD).",
    before=(
        Instruction(
            "In the Microsoft Entra admin center open **Entra ID → Enterprise apps** and choose **New application**.",
            note="Older consoles: Identity → Applications → Enterprise applications.",
        ),
        Instruction(
            "Choose **Create your own application**, enter a name such as Gatehouse, choose **Integrate any other "
            "application you don’t find in the gallery (Non-gallery)**, then **Create**."
        ),
        Instruction("In the application open **Single sign-on**, and choose **SAML**."),
        Instruction("In the box **Basic SAML Configuration** choose **Edit**."),
    ),
    form=(
        FormField(
            SpValue.SP_ENTITY_ID,
            "Identifier (Entity ID)",
            "Add identifier. Remove any other, and mind the last character: with and without a slash are two.",
        ),
        FormField(SpValue.ACS_URL, "Reply URL (Assertion Consumer Service URL)", "Add reply URL."),
        FormField(
            SpValue.LOGIN_URL,
            "Sign on URL (Optional)",
            "With it, the tile in My Apps starts on our side, as a sign-in from here does.",
            required=False,
        ),
        FormField(
            SpValue.SUBJECT_NAME,
            "Unique User Identifier (Name ID)",
            "In the box Attributes & Claims. Choose user.mail as its source attribute.",
        ),
        FormField(SpValue.NAME_ID_FORMAT, "Name identifier format", "On the same page. Choose Email address."),
    ),
    after_copy=(
        Instruction("In **Basic SAML Configuration** leave **Relay State** and **Logout Url** empty, then **Save**."),
        Instruction(
            "In the box **SAML Certificates** leave **Signing Option** and **Signing Algorithm** (**SHA-256**) as they are.",
            note="Any of the three signing options suits us. SHA-1 doesn’t.",
        ),
    ),
    attributes=ATTRIBUTES,
    attribute_steps=(
        Instruction(
            "In the box **Attributes & Claims** choose **Edit**. The claims for email address, first name and last name "
            "are there already.",
            note="Their names are long, because Entra puts the namespace in front. That is how we expect them.",
        ),
        Instruction(
            "For the display name choose **Add new claim**: **Name** displayName, **Namespace** empty, **Source attribute** "
            "user.displayname, then **Save**.",
            note="You can leave this out.",
        ),
    ),
    metadata=(
        MetadataHint(MetadataWay.URL, "Single sign-on, box SAML Certificates: App Federation Metadata Url"),
        MetadataHint(MetadataWay.FILE, "Single sign-on, box SAML Certificates: Federation Metadata XML → Download"),
        MetadataHint(
            MetadataWay.MANUAL,
            "Single sign-on, box Set up, below the certificates: Microsoft Entra Identifier as entity ID (with the slash "
            "at its end) and Login URL; Certificate (Base64) → Download",
        ),
    ),
    assign=(
        Instruction("In the application open **Users and groups** and choose **Add user/group**."),
        Instruction(
            "Choose who may sign in, then **Assign**.",
            note="Assigning groups needs Entra ID P1 or P2, and doesn’t reach groups within groups.",
        ),
    ),
    traps=(
        "A claim’s name is its namespace and its name together. If you rename a claim, enter the same name here.",
        (
            "user.mail is empty for accounts without a mailbox. Where user names are working addresses, take "
            "user.userprincipalname instead."
        ),
        "Take the App Federation Metadata Url of this application: the directory’s own metadata has other certificates.",
        "The metadata may list several certificates while one replaces another. We trust all that are listed.",
        "The Microsoft Entra Identifier ends with a slash, and the slash counts.",
        (
            "Some errors are shown by Microsoft and never reach us. AADSTS50105: the person isn’t assigned. "
            "AADSTS700016: the Identifier differs. AADSTS50011: the Reply URL differs."
        ),
    ),
    name_id_format=NameIdFormat.EMAIL,
    aliases=accepted(ATTRIBUTES),
    fixes={
        **beyond_settings("Microsoft Entra ID"),
        Setting.SP_ENTITY_ID: "Single sign-on → Basic SAML Configuration: Identifier (Entity ID) must be exactly the "
        "SP Entity ID of this connection, and be the default if there are several.",
        Setting.ACS_URL: "Single sign-on → Basic SAML Configuration: Reply URL must be exactly the ACS URL of this "
        "connection, and be the default if there are several.",
        Setting.IDP_ENTITY_ID: "The answer comes from another directory. Single sign-on → Microsoft Entra Identifier "
        "names the right one; hand over the App Federation Metadata Url of this application again.",
        Setting.METADATA: "Entra signs with another certificate than the one we know. Single sign-on → SAML Certificates: "
        "hand over the App Federation Metadata Url again.",
        Setting.NAME_ID: "Single sign-on → Attributes & Claims → Unique User Identifier (Name ID): Name identifier format "
        "Email address, source attribute user.mail, and the person’s account must have an email address.",
        Setting.ALGORITHM: "Single sign-on → SAML Certificates → Edit: Signing Algorithm must be SHA-256.",
        Setting.SIGNING: "Single sign-on → SAML Certificates → Edit: Signing Option. Any of the three will do, unless "
        "this connection demands both signatures: then Sign SAML response and assertion.",
        Setting.ENCRYPTION: "Security → Token encryption: deactivate the certificate.",
        Setting.ATTRIBUTES: "Single sign-on → Attributes & Claims: the claims emailaddress, givenname and surname must be "
        "there under the names above, or under those that were entered here, and the person’s account must "
        "have a value for each.",
        Setting.IDP_INITIATED: "Single sign-on → Basic SAML Configuration: Sign on URL must be exactly the Login URL of "
        "this connection; or, on the connection’s page, allow the identity provider to begin sign-ins.",
        Setting.ASSIGNMENT: "Users and groups: assign the person, or a group that the person is a direct member of. With "
        "SCIM, this also adds the person here.",
    },
    renewal=renewal_steps(
        Instruction(
            "In the application’s **Single sign-on**, in the box **SAML Certificates**, choose **Edit**, then **New "
            "Certificate** and **Save**. It stays inactive. In its menu choose **Base64 certificate download**."
        ),
        "enter the new certificate by hand",
        Instruction("In Entra, in the menu of the new certificate, choose **Make certificate active**."),
    ),
)
