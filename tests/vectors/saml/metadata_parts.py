"""The pieces that metadata is made of, and what a vector of metadata holds."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.vectors.saml.flavours import FORMAT
from tests.vectors.saml.signing import DSIG
from tests.vectors.saml.vendors import PROTOCOL
from tests.vectors.saml.world import certificate_pem

MD = "urn:oasis:names:tc:SAML:2.0:metadata"
BINDING = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-"
EMAIL, UNSPECIFIED = f"{FORMAT}emailAddress", f"{FORMAT}unspecified"
FEDERATION = "http://docs.oasis-open.org/wsfed/federation/200706"
XML = '<?xml version="1.0" encoding="UTF-8"?>'


@dataclass(frozen=True)
class VendorMetadata:
    """A document and what is read from it; `endpoints` are (binding, URL), `keys` are named as in world."""

    document: str
    habit: str
    entity_id: str
    endpoints: Sequence[tuple[str, str]]
    keys: Sequence[str] = ("idp",)
    formats: Sequence[str] = ()
    wants_signed_requests: bool = False
    urls_left_out: Sequence[str] = field(default=())
    encoding: str = "utf-8"

    def written(self) -> bytes:
        return self.document.encode(self.encoding)

    def expected(self) -> dict[str, object]:
        """Return as JSON what is read."""
        return {
            "habit": self.habit,
            "entity_id": self.entity_id,
            "endpoints": [list(endpoint) for endpoint in self.endpoints],
            "keys": list(self.keys),
            "formats": list(self.formats),
            "wants_signed_requests": self.wants_signed_requests,
            "urls_left_out": list(self.urls_left_out),
        }


def key(name: str = "idp", *, use: str = "signing", prefix: str = "md:", ds: str = "ds:", named: str = "") -> str:
    """Return a KeyDescriptor; lines of 64 letters, as most write a certificate."""
    used = f' use="{use}"' if use else ""
    declared = f"xmlns:{ds[:-1]}" if ds else "xmlns"
    text = "\n".join(certificate_pem(name).splitlines()[1:-1])
    key_name = f"<{ds}KeyName>{named}</{ds}KeyName>" if named else ""
    return (
        f'<{prefix}KeyDescriptor{used}><{ds}KeyInfo {declared}="{DSIG}">{key_name}<{ds}X509Data><{ds}X509Certificate>{text}'
        f"</{ds}X509Certificate></{ds}X509Data></{ds}KeyInfo></{prefix}KeyDescriptor>"
    )


def services(url: str, *bindings: str, name: str = "SingleSignOnService", prefix: str = "md:") -> str:
    full = {"SOAP": "urn:oasis:names:tc:SAML:2.0:bindings:SOAP"}
    return "".join(
        f'<{prefix}{name} Binding="{full.get(binding, BINDING + binding)}" Location="{url}"/>' for binding in bindings
    )


def formats(*values: str, prefix: str = "md:") -> str:
    return "".join(f"<{prefix}NameIDFormat>{value}</{prefix}NameIDFormat>" for value in values)


def role(inner: str, *, wants: str = "", prefix: str = "md:", protocols: str = PROTOCOL) -> str:
    wanted = f' WantAuthnRequestsSigned="{wants}"' if wants else ""
    return (
        f'<{prefix}IDPSSODescriptor{wanted} protocolSupportEnumeration="{protocols}">{inner}</{prefix}IDPSSODescriptor>'
    )


def entity(entity_id: str, inner: str, *, prefix: str = "md:", extra: str = "") -> str:
    declared = f"xmlns:{prefix[:-1]}" if prefix else "xmlns"
    name = entity_id.replace("&", "&amp;")
    return f'<{prefix}EntityDescriptor {declared}="{MD}"{extra} entityID="{name}">{inner}</{prefix}EntityDescriptor>'


def federation_roles() -> str:
    """The roles for WS-Federation and the signature that Entra ID and AD FS put before the role for SAML."""
    signature = f'<Signature xmlns="{DSIG}"><SignedInfo/><SignatureValue>AA==</SignatureValue></Signature>'
    return signature + "".join(
        f'<RoleDescriptor xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:fed="{FEDERATION}" '
        f'xsi:type="fed:{kind}" protocolSupportEnumeration="{FEDERATION}">{key("other", prefix="", ds="")}</RoleDescriptor>'
        for kind in ("SecurityTokenServiceType", "ApplicationServiceType")
    )


def both(url: str) -> list[tuple[str, str]]:
    return [("REDIRECT", url), ("POST", url)]


def pretty(document: str) -> str:
    """Return the document with each tag in a line of its own, and a certificate set in, as pretty-printers leave it."""
    return document.replace("><", ">\n  <").replace("X509Certificate>MII", "X509Certificate>\n      MII")
