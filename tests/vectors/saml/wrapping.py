"""Signature wrapping: a genuine signature is kept in the message, and what it signs isn't what a hasty reader reads.

XSW1 to XSW8 are numbered as in Somorovsky and others, "On Breaking SAML" (2012).
"""

from collections.abc import Callable
from copy import deepcopy

from lxml import etree
from lxml.etree import _Element

from tests.vectors.saml.signing import ASSERTION, DSIG

SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
SAMLP = "{urn:oasis:names:tc:SAML:2.0:protocol}"
SIGNATURE = f"{{{DSIG}}}Signature"


def first(node: _Element, path: str) -> _Element:
    found = node.find(path)
    assert found is not None
    return found


def forged(node: _Element) -> _Element:
    """Return a copy that names the attacker's victim, under another ID and without a signature."""
    copy = deepcopy(node)
    for part in copy.iter(f"{SAML}Assertion", f"{SAMLP}Response"):
        part.set("ID", f"_forged{part.get('ID')}")
        for signature in part.findall(SIGNATURE):
            part.remove(signature)
    first(copy, f".//{SAML}NameID").text = "olga@acme.example"
    return copy


def without_signature(node: _Element) -> _Element:
    copy = deepcopy(node)
    copy.remove(first(copy, SIGNATURE))
    return copy


def wrapped_response(put: Callable[[_Element, _Element, _Element], None]) -> Callable[[str], str]:
    """Return the trick by which a forged response takes the genuine one's signature; `put` says where that one goes."""

    def trick(message: str) -> str:
        genuine = etree.fromstring(message)
        root = forged(genuine)
        signature = deepcopy(first(genuine, SIGNATURE))
        root.insert(1, signature)
        put(root, signature, without_signature(genuine))
        return etree.tostring(root, encoding="unicode")

    return trick


def wrapped_assertion(put: Callable[[_Element, _Element, _Element], None]) -> Callable[[str], str]:
    """Return the trick by which a forged assertion comes into a genuine response; `put` says where the genuine goes."""

    def trick(message: str) -> str:
        root = etree.fromstring(message)
        genuine = first(root, ASSERTION)
        evil = forged(genuine)
        root.replace(genuine, evil)
        put(root, evil, genuine)
        return etree.tostring(root, encoding="unicode")

    return trick


def detached(node: _Element, genuine: _Element) -> _Element:
    """The genuine assertion's signature moves to the forged one. Returns the signature."""
    signature = first(genuine, SIGNATURE)
    node.insert(1, signature)
    return signature


def below(parent: _Element, *path: str) -> _Element:
    """Return the last of these elements, each made as a child of the one before."""
    for name in path:
        parent = etree.SubElement(parent, name)
    return parent


def behind_without_signature(root: _Element, evil: _Element, genuine: _Element) -> None:
    detached(evil, genuine)
    root.append(genuine)


def behind_with_the_same_id(root: _Element, evil: _Element, genuine: _Element) -> None:
    evil.set("ID", genuine.get("ID") or "")
    root.append(genuine)


def in_signature(root: _Element, evil: _Element, genuine: _Element) -> None:
    detached(evil, genuine).append(genuine)


def in_object(root: _Element, evil: _Element, genuine: _Element) -> None:
    below(detached(evil, genuine), f"{{{DSIG}}}Object").append(genuine)


def in_extensions(root: _Element, evil: _Element, genuine: _Element) -> None:
    extensions = etree.Element(f"{SAMLP}Extensions")
    root.insert(1, extensions)
    extensions.append(genuine)


def in_advice(root: _Element, evil: _Element, genuine: _Element) -> None:
    advice = etree.Element(f"{SAML}Advice")
    first(evil, f"{SAML}Conditions").addnext(advice)
    advice.append(genuine)


def swapped(message: str) -> str:
    """The genuine assertion stands where it stood; the forged one is in Extensions (XSW7)."""
    root = etree.fromstring(message)
    extensions = etree.Element(f"{SAMLP}Extensions")
    root.insert(1, extensions)
    extensions.append(forged(first(root, ASSERTION)))
    return etree.tostring(root, encoding="unicode")


OF_RESPONSES = {
    "xsw1_response_in_signature": wrapped_response(lambda root, signature, genuine: signature.append(genuine)),
    "xsw2_response_before_signature": wrapped_response(lambda root, signature, genuine: signature.addprevious(genuine)),
}
OF_ASSERTIONS = {
    "xsw3_forged_before_genuine": wrapped_assertion(lambda root, evil, genuine: evil.addnext(genuine)),
    "xsw4_genuine_in_forged": wrapped_assertion(lambda root, evil, genuine: evil.append(genuine)),
    "xsw5_signature_moved_to_forged": wrapped_assertion(behind_without_signature),
    "xsw6_genuine_in_signature": wrapped_assertion(in_signature),
    "xsw7_forged_in_extensions": swapped,
    "xsw8_genuine_in_object": wrapped_assertion(in_object),
    "xsw_genuine_in_extensions": wrapped_assertion(in_extensions),
    "xsw_genuine_in_status_detail": wrapped_assertion(
        lambda root, evil, genuine: below(first(root, f"{SAMLP}Status"), f"{SAMLP}StatusDetail").append(genuine)
    ),
    "xsw_genuine_in_advice": wrapped_assertion(in_advice),
    "xsw_genuine_in_attribute_value": wrapped_assertion(
        lambda root, evil, genuine: first(evil, f".//{SAML}AttributeValue").append(genuine)
    ),
    "xsw_genuine_in_key_info": wrapped_assertion(
        lambda root, evil, genuine: first(detached(evil, genuine), f"{{{DSIG}}}KeyInfo").append(genuine)
    ),
    "xsw_forged_after_genuine": wrapped_assertion(lambda root, evil, genuine: evil.addprevious(genuine)),
    "xsw_forged_has_the_same_id": wrapped_assertion(behind_with_the_same_id),
}
