"""Okta: a SAML 2.0 app integration."""

from orgs.providers.attributes import AttributeRow, ProfileField, accepted
from orgs.providers.fixes import beyond_settings, renewal_steps
from orgs.providers.idp_settings import NameIdFormat, Setting
from orgs.providers.types import FormField, Instruction, MetadataHint, MetadataWay, SamlGuide, SpValue

ATTRIBUTES = (
    AttributeRow(ProfileField.EMAIL, "email", "user.profile.email"),
    AttributeRow(ProfileField.GIVEN_NAME, "firstName", "user.profile.firstName"),
    AttributeRow(ProfileField.FAMILY_NAME, "lastName", "user.profile.lastName"),
    AttributeRow(ProfileField.DISPLAY_NAME, "displayName", "user.profile.displayName", required=False),
)

SAML = SamlGuide(
    summary="A SAML 2.0 app integration in Okta’s Admin Console.",
    before=(
        Instruction(
            "In Okta’s Admin Console open **Applications → Applications** and choose **Create App Integration**."
        ),
        Instruction("Choose **SAML 2.0**, then **Next**."),
        Instruction("Enter an **App name** that your people will recognize, such as Gatehouse, then **Next**."),
    ),
    form=(
        FormField(
            SpValue.ACS_URL,
            "Single sign-on URL",
            "Leave Use this for Recipient URL and Destination URL ticked.",
        ),
        FormField(SpValue.SP_ENTITY_ID, "Audience URI (SP Entity ID)", "Case-sensitive."),
        FormField(SpValue.NAME_ID_FORMAT, "Name ID format", "Choose EmailAddress. It comes after Default RelayState."),
        FormField(SpValue.SUBJECT_NAME, "Application username", "Choose Email."),
        FormField(
            SpValue.LOGIN_URL,
            "Login URL",
            "This form has no field for it. It is where a sign-in starts on our side: for a bookmark, or a Bookmark App.",
            required=False,
        ),
    ),
    after_copy=(
        Instruction("Leave **Default RelayState** empty."),
        Instruction(
            "Under **Show Advanced Settings** leave **Response** and **Assertion Signature** at **Signed**, "
            "**Signature Algorithm** at **RSA-SHA256** and **Assertion Encryption** at **Unencrypted**.",
            note="These are Okta’s defaults. One signature of the two is enough for us.",
        ),
        Instruction("Choose **Next**, answer Okta’s question about your role as you like, and choose **Finish**."),
    ),
    attributes=ATTRIBUTES,
    attribute_steps=(
        Instruction("In the new app open the tab **Sign On** and go down to **Attribute Statements**."),
        Instruction(
            "Choose **Add expression** for each row: our name as **Name**, the source as **Expression**, then **Save**.",
            note="Older consoles ask in the Configure SAML step, under Attribute Statements (optional), for Name and "
            "Value. There the sources are user.email, user.firstName, user.lastName and user.displayName.",
        ),
    ),
    metadata=(
        MetadataHint(MetadataWay.URL, "Tab Sign On: Metadata URL → Copy"),
        MetadataHint(
            MetadataWay.FILE,
            "Tab Sign On, under SAML Signing Certificates, in the row of the active one: Actions → View IdP metadata; "
            "save that page as it is",
        ),
        MetadataHint(
            MetadataWay.MANUAL, "Tab Sign On, More details: Issuer as entity ID, Sign on URL, and Signing Certificate"
        ),
    ),
    assign=(
        Instruction("In the app, open the tab **Assignments**."),
        Instruction(
            "Choose **Assign → Assign to Groups** or **Assign to People**, then **Assign** beside each one, then **Done**.",
            note="Okta lets in only those who are assigned.",
        ),
    ),
    traps=(
        "Name ID format must be the one we ask for: Okta refuses our request when they differ.",
        (
            "Application username decides who the person is to us. Okta username isn’t an email address everywhere; "
            "Email always is."
        ),
        "Okta takes no Single sign-on URL with an underscore. Ours has one only if the host name has.",
        "SAML Signing Certificates may list several. Only the one marked active signs; the Metadata URL follows it.",
        "Apps that were made long ago may still sign with RSA-SHA1, which we refuse.",
        "Assigning a group lets its members sign in. For SCIM, groups are sent only by the tab Push Groups.",
    ),
    name_id_format=NameIdFormat.EMAIL,
    aliases=accepted(ATTRIBUTES),
    fixes={
        **beyond_settings("Okta"),
        Setting.SP_ENTITY_ID: "Tab General → SAML Settings → Edit → Configure SAML: Audience URI (SP Entity ID) must be "
        "exactly the SP Entity ID of this connection.",
        Setting.ACS_URL: "Tab General → SAML Settings → Edit → Configure SAML: Single sign-on URL must be exactly the "
        "ACS URL of this connection, and Use this for Recipient URL and Destination URL must be ticked.",
        Setting.IDP_ENTITY_ID: "The answer comes from another Okta app or org. Tab Sign On → Metadata URL of this app: "
        "hand it over again, or send people to the right tile.",
        Setting.METADATA: "Okta signs with another certificate than the one we know. Tab Sign On → Metadata URL: hand it "
        "over again.",
        Setting.NAME_ID: "Configure SAML: Name ID format must be EmailAddress, and Application username Email.",
        Setting.ALGORITHM: "Configure SAML → Show Advanced Settings: Signature Algorithm must be RSA-SHA256, and "
        "Digest Algorithm SHA256.",
        Setting.SIGNING: "Configure SAML → Show Advanced Settings: Response and Assertion Signature must be Signed.",
        Setting.ENCRYPTION: "Configure SAML → Show Advanced Settings: Assertion Encryption must be Unencrypted.",
        Setting.ATTRIBUTES: "Tab Sign On → Attribute Statements: there must be email, firstName and lastName, or the "
        "names that were entered here, and the person’s Okta profile must have a value for each.",
        Setting.IDP_INITIATED: "Okta’s tile brings people unasked. Give them a Bookmark App with the Login URL of this "
        "connection instead; or, on the connection’s page, allow the identity provider to begin sign-ins.",
        Setting.ASSIGNMENT: "Tab Assignments: assign the person, or a group that the person belongs to. With SCIM, this "
        "also adds the person here.",
    },
    renewal=renewal_steps(
        Instruction(
            "In the app’s tab **Sign On**, under **SAML Signing Certificates**, choose **Generate new certificate**, and leave "
            "it inactive. Then choose **Actions → Download certificate**."
        ),
        "enter the new certificate by hand",
        Instruction("In Okta, in the tab **Sign On**, choose **Actions → Activate** at the new certificate."),
    ),
)
