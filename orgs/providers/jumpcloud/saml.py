"""JumpCloud: its Custom Application with Single Sign-On by SAML."""

from orgs.providers.attributes import AttributeRow, ProfileField, accepted
from orgs.providers.fixes import beyond_settings, renewal_steps
from orgs.providers.idp_settings import NameIdFormat, Setting
from orgs.providers.types import FormField, Instruction, MetadataHint, MetadataWay, SamlGuide, SpValue

ATTRIBUTES = (
    AttributeRow(ProfileField.EMAIL, "email", "email"),
    AttributeRow(ProfileField.GIVEN_NAME, "firstname", "firstname"),
    AttributeRow(ProfileField.FAMILY_NAME, "lastname", "lastname"),
)

SAML = SamlGuide(
    summary="A custom application in JumpCloud’s Admin Portal.",
    before=(
        Instruction(
            "In the JumpCloud Admin Portal open **SSO Applications** and choose **+ Add New Application**.",
            note="It is in the menu under Access, in older consoles under User Authentication.",
        ),
        Instruction(
            "Choose the tile **Custom Application**, then **Next**. In newer consoles search for **SCIM**, and choose **Create "
            "Custom Integration**.",
            note="It is one kind of application under two names; it can do sign-in as well as provisioning.",
        ),
        Instruction(
            "Tick **Manage Single Sign-On (SSO)** and below it **Configure SSO with SAML**, then **Next**.",
            note="Tick Export users to this app (Identity Management) too if you’ll provision by SCIM: one app does both.",
        ),
        Instruction(
            "Enter a **Display Label** that your people will recognize, such as Gatehouse.",
            note="The SSO IdP URL under Advanced Settings is yours to choose now, and can’t be changed later.",
        ),
        Instruction("Choose **Save Application**, then **Configure Application**, and open the tab **SSO**."),
        Instruction(
            "Under **Service Provider Metadata** choose **Upload Metadata**, and take the file that the connection’s page "
            "offers: Download SP metadata.",
            note="It fills in SP Entity ID, ACS URLs, SP Certificate, SAMLSubject NameID Format and Sign. Compare them, and "
            "fill in the rest of the form.",
        ),
    ),
    form=(
        FormField(
            SpValue.IDP_ENTITY_ID,
            "IdP Entity ID",
            "JumpCloud takes any text here. Use this one: it is how we tell your JumpCloud’s answers from others’. "
            "Case-sensitive.",
        ),
        FormField(SpValue.SP_ENTITY_ID, "SP Entity ID", "Case-sensitive."),
        FormField(
            SpValue.ACS_URL, "ACS URLs", "Older consoles say ACS URL. One is enough: the first, if there are more."
        ),
        FormField(
            SpValue.SP_CERTIFICATE,
            "SP Certificate",
            "Recommended: we sign every request, and with it JumpCloud verifies that a request came from here. Upload Metadata "
            "has put it in already.",
            required=False,
        ),
        FormField(SpValue.SUBJECT_NAME, "SAMLSubject NameID", "Choose email in the list."),
        FormField(SpValue.NAME_ID_FORMAT, "SAMLSubject NameID Format", "Choose the entry that ends with emailAddress."),
        FormField(None, "Signature Algorithm", "SHA-1 isn’t accepted.", choice="RSA-SHA256"),
        FormField(
            None,
            "Sign",
            "Our metadata asks for a signed assertion; in older consoles tick Sign Assertion. A signed response is accepted as "
            "well. If this connection demands both signatures, choose both.",
            choice="Assertion",
        ),
        FormField(
            None,
            "Default RelayState",
            "Where people land after signing in is decided here.",
            choice="leave empty",
        ),
        FormField(SpValue.LOGIN_URL, "Login URL", "Where a sign-in starts on our side.", required=False),
        FormField(None, "IDP URL", "It can’t be changed once the application exists.", choice="leave as it is"),
        FormField(
            None,
            "Declare Redirect Endpoint",
            "Without it JumpCloud’s metadata offers HTTP-POST alone. That works here, too.",
            choice="tick",
        ),
    ),
    after_copy=(),
    attributes=ATTRIBUTES,
    attribute_steps=(
        Instruction("On the same tab, go down to **Attributes** and find **User Attribute Mapping**."),
        Instruction(
            "Choose **add attribute** for each row. Type our name as **Service Provider Attribute Name**, and choose "
            "the source as **JumpCloud Attribute Name**."
        ),
        Instruction(
            "Leave **Constant Attributes** empty.",
            note="They say the same of everybody, and none is read here. Another name for one that is read would only disturb.",
        ),
        Instruction(
            "Leave **Include Group Attribute** unticked.",
            note="Groups come by SCIM, under Identity Management. The groups in an assertion aren’t read.",
        ),
        Instruction(
            "Leave the **AMR** attribute (authentication method reference, for MFA claims) off.",
            note="Whether JumpCloud has asked for a second factor isn’t read. Demand it there, by a conditional access policy.",
        ),
        Instruction(
            "Choose **Save**.",
            note="Older consoles say activate, and then continue. JumpCloud makes the app’s certificate at this moment.",
        ),
    ),
    metadata=(
        MetadataHint(MetadataWay.URL, "Open the app again, tab SSO: Copy Metadata URL"),
        MetadataHint(MetadataWay.FILE, "Tab SSO, under JumpCloud Metadata: Export Metadata"),
        MetadataHint(
            MetadataWay.MANUAL,
            "Tab SSO: the IdP Entity ID as you entered it, the IDP URL as sign-in URL, and the certificate that the "
            "app offers for download (IDP Certificate). Requests go there by HTTP-POST, unless Declare Redirect Endpoint "
            "is ticked",
        ),
    ),
    assign=(
        Instruction("In the app, open the tab **User Groups**."),
        Instruction(
            "Tick each group whose members may sign in, then **Save**.",
            note="Until then JumpCloud lets nobody in, not even you.",
        ),
    ),
    traps=(
        "The certificate exists only after the app has been saved (activated) once. Take the metadata after that.",
        "The IdP Entity ID is free text: JumpCloud doesn’t check it, and sends what was entered, to the letter.",
        "The IdP URL can’t be changed once the app exists. To change it, delete the app and make it again.",
        "By default the response is signed, and Sign Assertion moves the signature to the assertion. We accept either.",
        "JumpCloud has one SP Certificate. Should ours change, put the new one in there, or empty the field, before it is used.",
        "Attribute names are sent as you type them, and capitals count.",
        "A person who is in none of the app’s user groups is refused by JumpCloud, and never gets to us.",
    ),
    name_id_format=NameIdFormat.EMAIL,
    aliases=accepted(ATTRIBUTES),
    fixes={
        **beyond_settings("JumpCloud"),
        Setting.SP_ENTITY_ID: "Tab SSO → SP Entity ID must be exactly the SP Entity ID of this connection, "
        "capitals included.",
        Setting.ACS_URL: "Tab SSO → ACS URLs: the first must be exactly the ACS URL of this connection.",
        Setting.IDP_ENTITY_ID: "Tab SSO → IdP Entity ID must be exactly the IdP Entity ID of this connection, capitals "
        "included. If you changed it at JumpCloud on purpose, hand the metadata over again.",
        Setting.METADATA: "JumpCloud signs with another certificate than the one we know. Tab SSO → Copy Metadata URL "
        "or Export Metadata, and hand it over again.",
        Setting.NAME_ID: "Tab SSO → SAMLSubject NameID must be email, and SAMLSubject NameID Format the entry that "
        "ends with emailAddress. The person needs a Company Email in JumpCloud.",
        Setting.ALGORITHM: "Tab SSO → Signature Algorithm must be RSA-SHA256.",
        Setting.SIGNING: "Tab SSO → Sign: choose the assertion, the response, or both (older consoles: Sign Assertion). "
        "If this connection demands both signatures, choose both.",
        Setting.ENCRYPTION: "Tab SSO: switch off whatever encrypts the assertion. SP Certificate may stay: it is for "
        "our requests.",
        Setting.REQUEST: "Tab SSO: SP Entity ID and ACS URLs must be exactly those of this connection, and SP Certificate the "
        "one that its page offers (Download SP certificate), or empty. Upload Metadata puts in all three.",
        Setting.ATTRIBUTES: "Tab SSO → Attributes: the Service Provider Attribute Names must be email, firstname and "
        "lastname, or the names that were entered here, and the person’s record in JumpCloud must have a value for each.",
        Setting.IDP_INITIATED: "Tab SSO → Login URL must be exactly the Login URL of this connection. If the tile still "
        "brings people unasked, on the connection’s page, allow the identity provider to begin sign-ins.",
        Setting.ASSIGNMENT: "Tab User Groups: tick a group that the person belongs to, then Save. "
        "The person’s JumpCloud account must be active. With SCIM, this also adds the person here.",
    },
    renewal=renewal_steps(
        Instruction(
            "Make a new key and certificate on a machine of yours; don’t regenerate JumpCloud’s certificate yet.",
            note="With openssl: openssl req -x509 -newkey rsa:2048 -nodes -days 1825 -subj /CN=JumpCloud -keyout idp.key -out "
            "idp.pem. JumpCloud signs with a certificate that it regenerates at once: then sign-in fails until the new "
            "metadata is here.",
        ),
        "enter the new certificate by hand",
        Instruction(
            "In JumpCloud, tab **SSO**, upload the key as **IdP Private Key** and the certificate as **IdP Certificate**, then "
            "**Save**. From now on it signs with them."
        ),
    ),
)
