"""More vendors' messages that must be accepted. Each says whose habit it shows."""

from tests.vectors.saml import flavours, vendors
from tests.vectors.saml.accepted import AFTER_TEN, EMAIL, EVENING, Good
from tests.vectors.saml.flavours import CLAIMS, CONTEXT, FORMAT
from tests.vectors.saml.signing import (
    CANONICAL,
    COMMENTS,
    ENVELOPED,
    STANDARD,
    WITH_COMMENTS,
    Style,
    canonical_with,
    x509_info,
)

FUSIONAUTH = {"id": ("00000000-0000-0001-0000-000000000000",), "email": EMAIL, "first_name": ("Uma",)}
AMAZON = {"Email": EMAIL, "FirstName": ("Uma",)}
KEY_NAMED = x509_info("idp").replace("<ds:KeyInfo>", "<ds:KeyInfo><ds:KeyName>realm-key</ds:KeyName>")

VENDORS = {
    "amazon_assertion": Good(
        vendors.AMAZON,
        Style(transforms=WITH_COMMENTS.transforms),
        session_expires_at=EVENING,
        attributes=AMAZON,
        habit="Amazon’s IAM Identity Center names exclusive canonicalization with comments as transform.",
    ),
    "amazon_response": Good(
        vendors.AMAZON,
        None,
        Style(canonicalisation=COMMENTS, transforms=ENVELOPED + CANONICAL),
        session_expires_at=EVENING,
        attributes=AMAZON,
        habit="Amazon’s IAM Identity Center names exclusive canonicalization with comments as method.",
    ),
    "fusionauth_assertion": Good(
        vendors.FUSIONAUTH,
        WITH_COMMENTS,
        attributes=FUSIONAUTH,
        habit="FusionAuth’s default is exclusive canonicalization with comments; its confirmation has a NotBefore.",
    ),
    "sustainsys_assertion": Good(
        vendors.SUSTAINSYS,
        STANDARD,
        name_id_format=f"{FORMAT}unspecified",
        session_index="",
        authn_context=f"{CONTEXT}unspecified",
        attributes={f"{CLAIMS}/emailaddress": EMAIL},
        habit="Sustainsys’ library, below some IdentityServers, writes Conditions without NotBefore, and no session index.",
    ),
    "older_onelogin_response": Good(
        vendors.OLDER_ONELOGIN,
        None,
        STANDARD,
        session_expires_at=EVENING,
        attributes={"User.email": EMAIL, "User.LastName": ("Ünal",)},
        habit="Older apps of OneLogin send Conditions without NotBefore.",
    ),
    "conditions_without_bounds": Good(
        vendors.CONDITIONS_WITHOUT_BOUNDS,
        STANDARD,
        expires_at=AFTER_TEN,
        attributes={"mail": EMAIL},
        habit="Home-made providers put the end into the confirmation alone, which is where SAML Profiles demand it.",
    ),
    "dotnet_utf_16": Good(
        flavours.JUMPCLOUD,
        STANDARD,
        session_expires_at=EVENING,
        encoding="utf-16",
        habit="Providers on .NET that write XML into a string send it in UTF-16, with a byte order mark.",
    ),
    "home_made_latin_1": Good(
        flavours.JUMPCLOUD,
        None,
        STANDARD,
        session_expires_at=EVENING,
        encoding="iso-8859-1",
        habit="Home-made providers whose pages are in ISO-8859-1 write their answers so, too.",
    ),
    "adfs_assertion": Good(
        vendors.ADFS,
        Style(key_info=x509_info("idp"), is_prefixed=False),
        session_index="_assertion-1",
        authn_context=vendors.WINDOWS,
        attributes={
            f"{CLAIMS}/emailaddress": EMAIL,
            f"{CLAIMS}/givenname": ("Uma",),
            "http://schemas.xmlsoap.org/claims/Group": ("Domain Users", "Engineering"),
        },
        habit="AD FS signs an assertion in the default namespace, says consent, and names Windows as the way to sign in.",
    ),
    "shibboleth_response": Good(
        vendors.SHIBBOLETH,
        None,
        Style(transforms=ENVELOPED + canonical_with("xsd"), key_info=x509_info("idp")),
        name_id="AAdzZWNyZXQx",
        name_id_format=vendors.TRANSIENT,
        attributes={"urn:oid:0.9.2342.19200300.100.1.3": EMAIL, "urn:oid:2.5.4.42": ("Uma",)},
        habit="Shibboleth’s Name ID is transient with both qualifiers; attributes are OIDs; the confirmation has an Address.",
    ),
    "auth0_assertion": Good(
        vendors.AUTH0,
        Style(key_info=x509_info("idp")),
        name_id="auth0|5f7c8ec7c33c6c004bbafe82",
        name_id_format=f"{FORMAT}unspecified",
        authn_context=f"{CONTEXT}unspecified",
        attributes={
            f"{CLAIMS}/emailaddress": EMAIL,
            f"{CLAIMS}/name": ("Uma Ünal",),
            "http://schemas.auth0.com/email_verified": ("true",),
        },
        habit="Auth0’s Name ID is an account’s kind and number; it signs the assertion, and types each value.",
    ),
    "pingone_assertion": Good(
        vendors.PINGONE,
        Style(key_info=x509_info("idp")),
        authn_context=f"{CONTEXT}Password",
        attributes={"email": EMAIL, "given_name": ("Uma",)},
        habit="PingOne signs the assertion by default, and sends attributes by the names that were mapped.",
    ),
    "duo_both": Good(
        vendors.DUO,
        Style(key_info=x509_info("idp")),
        Style(key_info=x509_info("idp")),
        session_expires_at=EVENING,
        attributes={"Email": EMAIL, "FirstName": ("Uma",)},
        habit="Duo signs the response and the assertion by default, and leaves the format of names unspecified.",
    ),
    "authentik_assertion": Good(
        vendors.AUTHENTIK,
        Style(key_info=x509_info("idp")),
        session_expires_at=EVENING,
        attributes={
            f"{CLAIMS}/emailaddress": EMAIL,
            "http://schemas.xmlsoap.org/claims/Group": ("Engineering", "Domain Users"),
            "http://schemas.goauthentik.io/2021/02/saml/username": ("uma",),
        },
        habit="authentik names attributes by the claims of Microsoft and by URLs of its own, and signs the assertion.",
    ),
    "keycloak_both": Good(
        vendors.KEYCLOAK,
        Style(key_info=KEY_NAMED),
        Style(key_info=KEY_NAMED),
        session_index="_session-1::1",
        session_expires_at=EVENING,
        authn_context=f"{CONTEXT}unspecified",
        attributes={"email": EMAIL, "Role": ("offline_access", "engineering")},
        habit="Keycloak names the key before the certificate, and sends one attribute of the same name for each role.",
    ),
}
