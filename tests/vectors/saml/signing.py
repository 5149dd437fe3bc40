"""Signs messages with the xmlsec library, in the accepted form and in the forms that must be refused."""

from collections.abc import Callable
from dataclasses import dataclass

import xmlsec
from lxml import etree
from lxml.etree import _Element

from tests.vectors.saml.world import certificate_pem, private_pem

DSIG = "http://www.w3.org/2000/09/xmldsig#"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = f'<ds:Transform Algorithm="{DSIG}enveloped-signature"/>'
CANONICAL = f'<ds:Transform Algorithm="{EXCLUSIVE}"/>'
ASSERTION = "{urn:oasis:names:tc:SAML:2.0:assertion}Assertion"


def canonical_with(prefixes: str) -> str:
    """Return a transform that treats these prefixes inclusively, as Okta and OpenSAML write it."""
    listed = f'<ec:InclusiveNamespaces xmlns:ec="{EXCLUSIVE}" PrefixList="{prefixes}"/>'
    return f'<ds:Transform Algorithm="{EXCLUSIVE}">{listed}</ds:Transform>'


def x509_info(name: str) -> str:
    """Return a KeyInfo that carries this certificate."""
    bare = "".join(line for line in certificate_pem(name).splitlines() if not line.startswith("-"))
    return f"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{bare}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"


@dataclass(frozen=True)
class Style:
    """How a signature is made. `uri` None points at the element's ID; `extra` is a second Reference."""

    key: str = "idp"
    method: str = f"{MORE}rsa-sha256"
    digest: str = f"{XENC}sha256"
    canonicalisation: str = EXCLUSIVE
    transforms: str = ENVELOPED + CANONICAL
    uri: str | None = None
    extra: str = ""
    key_info: str = ""
    secret: bytes = b""
    is_prefixed: bool = True

    def template(self, identity: str) -> str:
        uri = f' URI="#{identity}"' if self.uri is None else self.uri
        reference = (
            f"<ds:Reference{uri}><ds:Transforms>{self.transforms}</ds:Transforms>"
            f'<ds:DigestMethod Algorithm="{self.digest}"/><ds:DigestValue/></ds:Reference>'
        )
        written = (
            f'<ds:Signature xmlns:ds="{DSIG}"><ds:SignedInfo>'
            f'<ds:CanonicalizationMethod Algorithm="{self.canonicalisation}"/>'
            f'<ds:SignatureMethod Algorithm="{self.method}"/>{reference}{self.extra}</ds:SignedInfo>'
            f"<ds:SignatureValue/></ds:Signature>"
        )
        return self.dressed(written)

    def dressed(self, written: str) -> str:
        return written if self.is_prefixed else written.replace("xmlns:ds=", "xmlns=").replace("ds:", "")

    def load(self) -> xmlsec.Key:
        if self.secret:
            return xmlsec.Key.from_binary_data(xmlsec.constants.KeyDataHmac, self.secret)
        return xmlsec.Key.from_memory(private_pem(self.key), xmlsec.constants.KeyDataFormatPem)


STANDARD = Style(key_info=x509_info("idp"))
# FusionAuth's and Amazon's: the canonical form that keeps comments
COMMENTS = f"{EXCLUSIVE}WithComments"
WITH_COMMENTS = Style(
    canonicalisation=COMMENTS,
    transforms=ENVELOPED + CANONICAL.replace(EXCLUSIVE, COMMENTS),
    key_info=x509_info("idp"),
    is_prefixed=False,
)
ResponseEdit = Callable[[_Element], None]


def sign(text: str, assertion: Style | None, response: Style | None = None) -> str:
    """Return the message with these signatures, the assertion's first; `@ASSERTION@` and `@RESPONSE@` are their places."""
    for place, style in (("@ASSERTION@", assertion), ("@RESPONSE@", response)):
        text = text.replace(place, '<signature-place xmlns=""/>' if style else "")
    root = etree.fromstring(text)
    found = root.find(ASSERTION)
    for node, style in ((found, assertion), (root, response)):
        if style and node is not None:
            sign_node(node, style)
    return etree.tostring(root, encoding="unicode")


def sign_node(node: _Element, style: Style) -> None:
    """The element's `signature-place` has become its signature."""
    place = node.find("signature-place")
    assert place is not None
    signature = etree.fromstring(style.template(node.get("ID") or ""))
    signature.tail = place.tail
    node.replace(place, signature)
    context = xmlsec.SignatureContext()
    if node.get("ID"):
        context.register_id(node, "ID")
    context.key = style.load()
    context.sign(signature)
    if style.key_info:
        signature.append(etree.fromstring(style.dressed(f'<ds:x xmlns:ds="{DSIG}">{style.key_info}</ds:x>'))[0])
