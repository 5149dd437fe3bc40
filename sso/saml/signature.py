"""XML signatures in the one form that is accepted. What is returned are the bytes that were signed, and nothing else.

The form: one ds:Signature as a direct child of what it signs; one Reference to that element's ID; transforms enveloped
signature and exclusive canonicalization; RSA or ECDSA with SHA-256, -384 or -512. KeyInfo is never read.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml import etree

from sso.saml.certificates import PublicKey
from sso.saml.errors import AlgorithmRefused, CanonicalizationRefused, SignatureInvalid, SignatureMisshapen
from sso.saml.markup import DSIG, Element, MarkupError, children, parse, scopes, text_of

EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
# FusionAuth and Amazon name the form that keeps comments. Both have the same bytes here: a message with comments is refused
# before it is verified, a Reference by ID leaves comments out (XML Signature §4.4.3.3), and SignedInfo may hold none
EXCLUSIVES = (EXCLUSIVE, f"{EXCLUSIVE}WithComments")
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
# at each element the canonicaliser looks for each listed prefix among the namespaces in scope
MAX_PREFIXES = 16
MAX_SEARCHES = 1_000_000
# how a list of prefixes names the namespace without one (Exclusive XML Canonicalization §3)
NO_PREFIX = "#default"
NAMING_NO_PREFIX = f'<x xmlns:y="{NO_PREFIX}"/>'.encode()
Hash = type[hashes.SHA256] | type[hashes.SHA384] | type[hashes.SHA512]
RSA_METHODS: dict[str, Hash] = {
    f"{MORE}rsa-sha256": hashes.SHA256,
    f"{MORE}rsa-sha384": hashes.SHA384,
    f"{MORE}rsa-sha512": hashes.SHA512,
}
EC_METHODS: dict[str, Hash] = {
    f"{MORE}ecdsa-sha256": hashes.SHA256,
    f"{MORE}ecdsa-sha384": hashes.SHA384,
    f"{MORE}ecdsa-sha512": hashes.SHA512,
}
DIGESTS = {
    "http://www.w3.org/2001/04/xmlenc#sha256": hashlib.sha256,
    f"{MORE}sha384": hashlib.sha384,
    "http://www.w3.org/2001/04/xmlenc#sha512": hashlib.sha512,
}


@dataclass(frozen=True, slots=True)
class Form:
    """A signature whose shape has been found right; nothing of it has been verified."""

    signed_info: Element
    method: str
    value: bytes
    digest_method: str
    digest: bytes
    prefixes: tuple[str, ...]


def find(node: Element) -> Element | None:
    """Return the signature that is a direct child of this element, or None. Raises SignatureMisshapen for several."""
    found = children(node, DSIG, "Signature")
    if len(found) > 1:
        raise SignatureMisshapen(expected="one signature", received=f"{len(found)} signatures side by side")
    return found[0] if found else None


def verify(node: Element, keys: Sequence[PublicKey]) -> tuple[bytes, int]:
    """Return the canonical bytes that this element's signature covers, and the place of the first key that verifies it.

    The signature is taken out of the tree.
    Raises SignatureMisshapen, AlgorithmRefused, CanonicalizationRefused, SignatureInvalid.
    """
    signature = find(node)
    if signature is None:
        raise SignatureMisshapen(expected="a signature", received="none")
    form = read_form(signature, node.get("ID") or "")
    signed_info = canonical(form.signed_info, ())
    place = next((place for place, key in enumerate(keys) if _is_signed_by(key, form, signed_info)), None)
    if place is None:
        raise SignatureInvalid(received=_claimed_signer(signature))
    remove_signature(signature)
    content = canonical(node, form.prefixes)
    if not content or not hmac.compare_digest(DIGESTS[form.digest_method](content).digest(), form.digest):
        raise SignatureInvalid(
            expected="what was signed, unchanged",
            received="a certificate of this connection signed it, and it was changed afterwards, or its digest is wrong",
        )
    return content, place


def _claimed_signer(signature: Element) -> str:
    """Return which certificate the message says has signed it. Anybody may write that: it is shown, and never trusted."""
    named = next(signature.iter(f"{{{DSIG}}}X509Certificate"), None)
    try:
        der = base64.b64decode("".join((named.text or "").split()), validate=True) if named is not None else b""
    except (binascii.Error, ValueError):
        der = b""
    if not der:
        return "a signature that names no certificate (the message’s own claim, not verified)"
    return f"the message names {hashlib.sha256(der).hexdigest()} (its own claim, not verified)"


def read_form(signature: Element, identity: str) -> Form:
    """Return the parts of a signature over the element with this ID.

    Raises SignatureMisshapen, AlgorithmRefused, CanonicalizationRefused.
    """
    names = [str(child.tag) for child in signature]
    if names not in (_named("SignedInfo", "SignatureValue"), _named("SignedInfo", "SignatureValue", "KeyInfo")):
        raise _unlike("SignedInfo SignatureValue KeyInfo", signature)
    info, value = signature[0], signature[1]
    if [str(child.tag) for child in info] != _named("CanonicalizationMethod", "SignatureMethod", "Reference"):
        raise _unlike("CanonicalizationMethod SignatureMethod Reference", info)
    method = _leaf(info[1]).get("Algorithm") or ""
    if method not in RSA_METHODS and method not in EC_METHODS:
        raise AlgorithmRefused(expected=f"{MORE}rsa-sha256", received=method)
    if _leaf(info[0]).get("Algorithm") not in EXCLUSIVES:
        raise CanonicalizationRefused(expected=EXCLUSIVE, received=info[0].get("Algorithm") or "")
    digest_method, digest, prefixes = _read_reference(info[2], identity)
    return Form(info, method, _bytes_of(value), digest_method, digest, prefixes)


def _read_reference(reference: Element, identity: str) -> tuple[str, bytes, tuple[str, ...]]:
    # a name of its own does no harm (XML Signature §4.4.3), and is unique as all are; a Type might ask for something else
    about = {name: value for name, value in reference.items() if name != "Id"}
    if not identity or about != {"URI": f"#{identity}"}:
        shown = " ".join(f'{name!s}="{value!s}"' for name, value in about.items())
        raise SignatureMisshapen(expected=f'URI="#{identity}"', received=shown or "a Reference without a URI")
    if [str(child.tag) for child in reference] != _named("Transforms", "DigestMethod", "DigestValue"):
        raise _unlike("Transforms DigestMethod DigestValue", reference)
    prefixes = _read_transforms(reference[0])
    digest_method = _leaf(reference[1]).get("Algorithm") or ""
    if digest_method not in DIGESTS:
        raise AlgorithmRefused(expected="http://www.w3.org/2001/04/xmlenc#sha256", received=digest_method)
    return digest_method, _bytes_of(reference[2]), prefixes


def _read_transforms(transforms: Element) -> tuple[str, ...]:
    """Return the prefixes that the canonicalization treats inclusively (Exclusive XML Canonicalization §3).

    A list without a canonicalization means the inclusive one (XML Signature §4.4.3.2).
    """
    if any(child.tag != f"{{{DSIG}}}Transform" for child in transforms):
        raise _unlike("Transform Transform", transforms)
    named = [child.get("Algorithm") or "" for child in transforms]
    if len(named) != 2 or named[0] != ENVELOPED or named[1] not in EXCLUSIVES:
        raise CanonicalizationRefused(expected=f"{ENVELOPED} {EXCLUSIVE}", received=" ".join(named))
    _leaf(transforms[0])
    listed = list(transforms[1])
    if not listed:
        return ()
    if len(listed) > 1 or listed[0].tag != f"{{{EXCLUSIVE}}}InclusiveNamespaces" or len(listed[0]):
        raise _unlike("InclusiveNamespaces", transforms[1])
    prefixes = tuple((listed[0].get("PrefixList") or "").split())
    if len(prefixes) > MAX_PREFIXES:
        raise SignatureMisshapen(expected=f"at most {MAX_PREFIXES} prefixes", received=f"{len(prefixes)}")
    return prefixes


def _named(*names: str) -> list[str]:
    return [f"{{{DSIG}}}{name}" for name in names]


def _unlike(expected: str, node: Element) -> SignatureMisshapen:
    """Return the refusal of an element that holds others than these. A name of another namespace is shown with that."""
    found = " ".join(str(child.tag).removeprefix(f"{{{DSIG}}}") for child in node if isinstance(child.tag, str))
    name = str(node.tag).removeprefix(f"{{{DSIG}}}")
    return SignatureMisshapen(expected=f"{name}: {expected}", received=f"{name}: {found or 'nothing that is known'}")


def _leaf(node: Element) -> Element:
    if len(node):
        raise _unlike("no elements", node)
    return node


def _bytes_of(node: Element) -> bytes:
    text = text_of(node)
    try:
        found = base64.b64decode("".join((text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if not found:
        name = str(node.tag).removeprefix(f"{{{DSIG}}}")
        shown = "elements" if text is None else text.strip() or "nothing"
        raise SignatureMisshapen(expected=f"{name}: base64", received=f"{name}: {shown}")
    return found


def _is_signed_by(key: PublicKey, form: Form, signed_info: bytes) -> bool:
    try:
        if isinstance(key, rsa.RSAPublicKey) and form.method in RSA_METHODS:
            key.verify(form.value, signed_info, padding.PKCS1v15(), RSA_METHODS[form.method]())
            return True
        if isinstance(key, ec.EllipticCurvePublicKey) and form.method in EC_METHODS:
            key.verify(_as_der(form.value, key), signed_info, ec.ECDSA(EC_METHODS[form.method]()))
            return True
    except InvalidSignature:
        return False
    return False


def _as_der(value: bytes, key: ec.EllipticCurvePublicKey) -> bytes:
    """Return a signature of two numbers side by side (RFC 4050 §3.3) in the form that the library reads."""
    half = (key.curve.key_size + 7) // 8
    if len(value) != 2 * half:
        raise InvalidSignature
    return encode_dss_signature(int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big"))


def remove_signature(signature: Element) -> None:
    """Remove the signature from its parent; the text behind it stays."""
    parent, before = signature.getparent(), signature.getprevious()
    assert parent is not None  # noqa: S101 - `find` looked below an element
    if signature.tail:
        if before is None:
            parent.text = (parent.text or "") + signature.tail
        else:
            before.tail = (before.tail or "") + signature.tail
        signature.tail = None
    parent.remove(signature)


def canonical(node: Element, prefixes: tuple[str, ...]) -> bytes:
    """Return the element in exclusive canonical form, without comments. Raises SignatureMisshapen where there is none."""
    try:
        if prefixes:
            node = _alone(node, prefixes)
        return etree.tostring(
            node, method="c14n", exclusive=True, with_comments=False, inclusive_ns_prefixes=list(prefixes) or None
        )
    except (etree.C14NError, MarkupError) as error:
        # a relative namespace has no canonical form, and what has none can't have been signed
        raise SignatureMisshapen(
            expected="namespaces that are absolute", received=str(error) or "markup that can’t be read by itself"
        ) from error


def _alone(node: Element, prefixes: tuple[str, ...]) -> Element:
    """Return the element as the root of a document: the canonicaliser forgets what ancestors declare, the writer doesn't."""
    alone = parse(etree.tostring(node, with_tail=False))
    searches = len(prefixes) * sum(scopes(alone))
    if searches > MAX_SEARCHES:
        raise SignatureMisshapen(expected=f"at most {MAX_SEARCHES} namespaces to look for", received=f"{searches}")
    if NO_PREFIX in prefixes:
        # the library leaves out listed prefixes that no document of this thread has named, and none would name this one
        parse(NAMING_NO_PREFIX)
    return alone
