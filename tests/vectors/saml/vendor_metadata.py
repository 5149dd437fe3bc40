"""Metadata as vendors write it, in the shapes that their documentation shows; names, ids and keys are made up.

Each says whose habit it is, and what is read from it.
"""

from tests.vectors.saml.flavours import PERSISTENT
from tests.vectors.saml.metadata_parts import (
    EMAIL,
    MD,
    UNSPECIFIED,
    XML,
    VendorMetadata,
    both,
    entity,
    federation_roles,
    formats,
    key,
    pretty,
    role,
    services,
)
from tests.vectors.saml.vendors import PROTOCOL, TRANSIENT

JUMPCLOUD = "https://sso.jumpcloud.com/saml2/gatehouse-acme"
OKTA = "https://acme.okta.com/app/acme_gatehouse_1/exk1a2b3c4/sso/saml"
TENANT = "7d3c5a0e-7c3e-4f6c-9d5a-1f0e5b3f7a10"
ENTRA = f"https://login.microsoftonline.com/{TENANT}/saml2"
GOOGLE = "https://accounts.google.com/o/saml2/idp?idpid=C01a2b3c4"
ONELOGIN = "https://acme.onelogin.com/trust/saml2/http-post/sso/1f0e5b3f-7c3e-4f6c-9d5a-7d3c5a0e7a10"
PINGONE = f"https://auth.pingone.eu/{TENANT}/saml20/idp/sso"
KEYCLOAK = "https://sso.acme.example/realms/acme"
ADFS = "https://fs.acme.example/adfs/ls/"
SHIBBOLETH = "https://idp.acme.example/idp/profile/SAML2"
AUTH0 = "https://acme.eu.auth0.com/samlp/1a2b3c4d5e"
FUSIONAUTH = f"https://auth.acme.example/samlv2/login/{TENANT}"
AMAZON = "https://portal.sso.eu-central-1.amazonaws.com/saml/assertion/MTIzNDU2"
DUO = "https://sso-1a2b3c4d.sso.duosecurity.com/saml2/sp/DIAAAA/sso"
AUTHENTIK = "https://auth.acme.example/application/saml/gatehouse/sso/binding"
SIMPLESAMLPHP = "https://login.acme.example/simplesaml/saml2/idp/SSOService.php"


METADATA: dict[str, VendorMetadata] = {
    "jumpcloud": VendorMetadata(
        f"{XML}\n"
        + pretty(entity("acme-sso", role(key() + formats(EMAIL) + services(JUMPCLOUD, "POST"), wants="false"))),
        "JumpCloud’s entity ID is free text that an admin has chosen; there is HTTP-POST only, and the certificate is set in.",
        "acme-sso",
        [("POST", JUMPCLOUD)],
        formats=[EMAIL],
    ),
    "okta": VendorMetadata(
        XML
        + entity(
            "http://www.okta.com/exk1a2b3c4",
            role(key() + formats(UNSPECIFIED, EMAIL) + services(OKTA, "POST", "Redirect"), wants="false"),
        ),
        "Okta names HTTP-POST first, both at one address; its entity ID is a plain http name that isn’t called.",
        "http://www.okta.com/exk1a2b3c4",
        both(OKTA),
        formats=[UNSPECIFIED, EMAIL],
    ),
    "entra": VendorMetadata(
        "\ufeff<?xml version='1.0' encoding='utf-8'?>"
        + entity(
            f"https://sts.windows.net/{TENANT}/",
            federation_roles()
            + role(
                key(prefix="", ds="")
                + key("ec", prefix="", ds="")
                + services(ENTRA, "Redirect", name="SingleLogoutService", prefix="")
                + services(ENTRA, "Redirect", "POST", prefix=""),
                prefix="",
            ),
            prefix="",
            extra=' ID="_1f0e5b3f"',
        ),
        "Entra ID signs its metadata, puts roles for WS-Federation first, and shows two certificates while it changes its key.",
        f"https://sts.windows.net/{TENANT}/",
        both(ENTRA),
        keys=["idp", "ec"],
    ),
    "google": VendorMetadata(
        '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
        + entity(
            "https://accounts.google.com/o/saml2?idpid=C01a2b3c4",
            role(key() + formats(EMAIL) + services(GOOGLE, "Redirect", "POST"), wants="false"),
            extra=' validUntil="2031-02-27T12:00:00.000Z"',
        ),
        "Google’s metadata has an end, that of its certificate, and addresses with a query.",
        "https://accounts.google.com/o/saml2?idpid=C01a2b3c4",
        both(GOOGLE),
        formats=[EMAIL],
    ),
    "onelogin": VendorMetadata(
        f"{XML}\n"
        + pretty(
            entity(
                "https://app.onelogin.com/saml/metadata/1f0e5b3f",
                role(
                    key(prefix="")
                    + services(ONELOGIN, "Redirect", name="SingleLogoutService", prefix="")
                    + formats(EMAIL, prefix="")
                    + services(ONELOGIN, "Redirect", "POST", "SOAP", prefix=""),
                    prefix="",
                ),
                prefix="",
            )
        ),
        "OneLogin offers SOAP, too, and logs people out at the address at which they sign in.",
        "https://app.onelogin.com/saml/metadata/1f0e5b3f",
        both(ONELOGIN),
        formats=[EMAIL],
    ),
    "pingone": VendorMetadata(
        XML
        + entity(
            f"https://auth.pingone.eu/{TENANT}",
            role(
                key()
                + services(PINGONE.replace("sso", "slo"), "POST", "Redirect", name="SingleLogoutService")
                + formats(UNSPECIFIED, EMAIL)
                + services(PINGONE, "POST", "Redirect"),
                wants="false",
            ),
            extra=' ID="pingone-1" cacheDuration="PT1440M"',
        ),
        "PingOne’s metadata has an id and says for how long it may be cached; the environment’s id is in each address.",
        f"https://auth.pingone.eu/{TENANT}",
        both(PINGONE),
        formats=[UNSPECIFIED, EMAIL],
    ),
    "keycloak": VendorMetadata(
        entity(
            KEYCLOAK,
            role(
                key(named="realm-key-1")
                + f'<md:ArtifactResolutionService Binding="urn:oasis:names:tc:SAML:2.0:bindings:SOAP" index="0" '
                f'Location="{KEYCLOAK}/protocol/saml/resolve"/>'
                + services(
                    f"{KEYCLOAK}/protocol/saml", "POST", "Redirect", "Artifact", "SOAP", name="SingleLogoutService"
                )
                + formats(PERSISTENT, TRANSIENT, UNSPECIFIED, EMAIL)
                + services(f"{KEYCLOAK}/protocol/saml", "POST", "Redirect", "SOAP", "Artifact"),
                wants="true",
            ),
        ),
        "Keycloak wants signed requests, names the key before its certificate, and offers four bindings.",
        KEYCLOAK,
        both(f"{KEYCLOAK}/protocol/saml"),
        formats=[PERSISTENT, TRANSIENT, UNSPECIFIED, EMAIL],
        wants_signed_requests=True,
    ),
    "keycloak_before_version_17": VendorMetadata(
        f'<md:EntitiesDescriptor xmlns:md="{MD}" Name="urn:keycloak">'
        + entity(
            KEYCLOAK,
            role(key(named="realm-key-1") + services(f"{KEYCLOAK}/protocol/saml", "POST", "Redirect"), wants="true"),
        )
        + "</md:EntitiesDescriptor>",
        "Keycloak used to put the one provider of a realm into a list of providers.",
        KEYCLOAK,
        both(f"{KEYCLOAK}/protocol/saml"),
        wants_signed_requests=True,
    ),
    "adfs": VendorMetadata(
        "\ufeff"
        + entity(
            "http://fs.acme.example/adfs/services/trust",
            federation_roles()
            + f'<SPSSODescriptor WantAssertionsSigned="true" protocolSupportEnumeration="{PROTOCOL}">'
            + key("other", use="encryption", prefix="", ds="")
            + "</SPSSODescriptor>"
            + role(
                key("other", use="encryption", prefix="", ds="")
                + key(prefix="", ds="")
                + services(ADFS, "Redirect", "POST", name="SingleLogoutService", prefix="")
                + formats(EMAIL, PERSISTENT, TRANSIENT, prefix="")
                + services(ADFS, "Redirect", "POST", prefix="")
                + '<Attribute xmlns="urn:oasis:names:tc:SAML:2.0:assertion" FriendlyName="E-Mail Address" NameFormat='
                '"urn:oasis:names:tc:SAML:2.0:attrname-format:uri" '
                'Name="http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"/>',
                prefix="",
            )
            + '<ContactPerson contactType="support"/>',
            prefix="",
            extra=' ID="_7d3c5a0e"',
        ),
        "AD FS is an identity and a service provider in one entity, has a key for encryption, and begins with a byte order mark.",
        "http://fs.acme.example/adfs/services/trust",
        both(ADFS),
        formats=[EMAIL, PERSISTENT, TRANSIENT],
    ),
    "shibboleth": VendorMetadata(
        f"{XML}\n<!--\n     This is example metadata only. Do *NOT* supply it as is.\n-->\n"
        + entity(
            "https://idp.acme.example/idp/shibboleth",
            role(
                '<Extensions><shibmd:Scope xmlns:shibmd="urn:mace:shibboleth:metadata:1.0" regexp="false">acme.example'
                "</shibmd:Scope></Extensions><!-- First signing certificate is BackChannel, the Second is FrontChannel -->"
                + key("other", prefix="")
                + key(prefix="")
                + key("other", use="encryption", prefix="")
                + f'<SingleSignOnService Binding="urn:mace:shibboleth:1.0:profiles:AuthnRequest" '
                f'Location="{SHIBBOLETH.replace("SAML2", "Shibboleth")}/SSO"/>'
                + "".join(
                    services(f"{SHIBBOLETH}/{binding}/SSO", binding, prefix="")
                    for binding in ("POST", "POST-SimpleSign", "Redirect")
                ),
                prefix="",
                protocols=f"{PROTOCOL} urn:oasis:names:tc:SAML:1.1:protocol urn:mace:shibboleth:1.0",
            )
            + f'<AttributeAuthorityDescriptor protocolSupportEnumeration="{PROTOCOL}">{key("other", prefix="")}'
            "</AttributeAuthorityDescriptor>",
            prefix="",
        ),
        "Shibboleth speaks older protocols in the same role, has two signing keys, comments, and an address for each binding.",
        "https://idp.acme.example/idp/shibboleth",
        [("REDIRECT", f"{SHIBBOLETH}/Redirect/SSO"), ("POST", f"{SHIBBOLETH}/POST/SSO")],
        keys=["other", "idp"],
    ),
    "auth0": VendorMetadata(
        entity(
            "urn:acme.eu.auth0.com",
            role(
                key(prefix="", ds="").replace("\n", "")
                + services(f"{AUTH0}/logout", "Redirect", "POST", name="SingleLogoutService", prefix="")
                + formats(EMAIL, PERSISTENT, TRANSIENT, prefix="")
                + services(AUTH0, "Redirect", "POST", prefix="")
                + '<Attribute Name="http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress" '
                'NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri" FriendlyName="E-Mail Address" '
                'xmlns="urn:oasis:names:tc:SAML:2.0:assertion"></Attribute>',
                prefix="",
            ),
            prefix="",
        ),
        "Auth0’s entity ID is a URN of the tenant; the certificate is one line, and attributes are listed.",
        "urn:acme.eu.auth0.com",
        both(AUTH0),
        formats=[EMAIL, PERSISTENT, TRANSIENT],
    ),
    "fusionauth": VendorMetadata(
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        + entity(
            f"https://auth.acme.example/samlv2/{TENANT}",
            role(
                key(prefix="ns2:", ds="ns3:")
                + formats(EMAIL, PERSISTENT, prefix="ns2:")
                + services(FUSIONAUTH, "POST", "Redirect", prefix="ns2:"),
                wants="false",
                prefix="ns2:",
            ),
            prefix="ns2:",
        ),
        "FusionAuth’s prefixes are numbers, as Java’s binding of XML gives them.",
        f"https://auth.acme.example/samlv2/{TENANT}",
        both(FUSIONAUTH),
        formats=[EMAIL, PERSISTENT],
    ),
    "amazon": VendorMetadata(
        XML
        + entity(
            AMAZON,
            role(key(use="") + "<md:NameIDFormat/>" + services(AMAZON, "POST", "Redirect"), wants="false"),
        ),
        "Amazon’s IAM Identity Center calls itself as its address, says no use of the key, and leaves the format empty.",
        AMAZON,
        both(AMAZON),
    ),
    "duo": VendorMetadata(
        XML
        + entity(
            DUO.replace("/sso", "/metadata"),
            role(
                key()
                + services(DUO.replace("/sso", "/slo"), "Redirect", name="SingleLogoutService")
                + formats(EMAIL, UNSPECIFIED, PERSISTENT, TRANSIENT)
                + services(DUO, "Redirect", "POST"),
                wants="false",
            ),
        ),
        "Duo has metadata and addresses of its own for each application.",
        DUO.replace("/sso", "/metadata"),
        both(DUO),
        formats=[EMAIL, UNSPECIFIED, PERSISTENT, TRANSIENT],
    ),
    "authentik": VendorMetadata(
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        + entity(
            "authentik",
            role(
                key()
                + services(f"{AUTHENTIK.replace('sso', 'slo')}/post/", "POST", name="SingleLogoutService")
                + formats(EMAIL, PERSISTENT, TRANSIENT)
                + services(f"{AUTHENTIK}/redirect/", "Redirect")
                + services(f"{AUTHENTIK}/post/", "POST")
            ),
            extra=' ID="_authentik-1"',
        ),
        "authentik’s entity ID is its issuer, one word by default; each binding has an address.",
        "authentik",
        [("REDIRECT", f"{AUTHENTIK}/redirect/"), ("POST", f"{AUTHENTIK}/post/")],
        formats=[EMAIL, PERSISTENT, TRANSIENT],
    ),
    "simplesamlphp": VendorMetadata(
        '<?xml version="1.0"?>\n'
        + pretty(
            entity(
                "https://login.acme.example/simplesaml/saml2/idp/metadata.php",
                role(key() + key(use="encryption") + formats(TRANSIENT) + services(SIMPLESAMLPHP, "Redirect"))
                + '<md:ContactPerson contactType="technical"><md:GivenName>Administrator</md:GivenName></md:ContactPerson>',
            )
        ),
        "SimpleSAMLphp uses one certificate to sign and to decrypt, and by default offers HTTP-Redirect only.",
        "https://login.acme.example/simplesaml/saml2/idp/metadata.php",
        [("REDIRECT", SIMPLESAMLPHP)],
        formats=[TRANSIENT],
    ),
    "dotnet_utf_16": VendorMetadata(
        '<?xml version="1.0" encoding="utf-16"?>\r\n'
        + entity("https://idp.acme.example/", role(key() + services("https://idp.acme.example/saml", "Redirect"))),
        "Providers on .NET that write XML into a string save it in UTF-16, with a byte order mark.",
        "https://idp.acme.example/",
        [("REDIRECT", "https://idp.acme.example/saml")],
        encoding="utf-16",
    ),
    "home_made_latin_1": VendorMetadata(
        '\n<?xml version="1.0" encoding="ISO-8859-1"?>\n'
        + entity(
            "https://idp.acme.example/größe",
            role(
                key("other", use="encryption")
                + key(use="")
                + services("http://idp.acme.example/anmeldung;jsessionid=1", "POST")
                + services("https://idp.acme.example/anmeldung/größe;v=2?", "POST", "Redirect")
            ),
        ),
        "Home-made metadata comes in ISO-8859-1, behind a blank line, and still names the address from before https.",
        "https://idp.acme.example/größe",
        both("https://idp.acme.example/anmeldung/gr%C3%B6%C3%9Fe;v=2?"),
        urls_left_out=["http://idp.acme.example/anmeldung;jsessionid=1"],
        encoding="iso-8859-1",
    ),
}
