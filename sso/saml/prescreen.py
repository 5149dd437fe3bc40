"""What a response must be before anybody looks at its signature: small, plain, and of one shape (steps 1 to 3)."""

import base64
import binascii

from sso.saml.encoding import as_utf_8
from sso.saml.errors import (
    AssertionEncrypted,
    MessageForbidden,
    MessageMisencoded,
    MessageMisshapen,
    MessageTooLarge,
    MessageUnreadable,
)
from sso.saml.markup import (
    DSIG,
    SAML,
    SAMLP,
    Element,
    MarkupError,
    MarkupForbidden,
    MarkupMisencoded,
    MarkupTooLarge,
    children,
    elements,
    local_name,
    parse,
    text_of,
)
from sso.saml.status import SUCCESS, refusal_of

LARGEST_DOCUMENT = 256 * 1024
LARGEST_FIELD = 512 * 1024
MAX_ELEMENTS = 2_000
LONGEST_ID = 256
ASSERTIONS = ("Assertion", "EncryptedAssertion")
ID_NAMES = ("ID", "Id", "id", "iD", "{http://www.w3.org/XML/1998/namespace}id")


def decode(field: str) -> bytes:
    """Return the document that the form field `SAMLResponse` carries (SAML Bindings §3.5.4). Nothing is inflated.

    Raises MessageTooLarge, MessageUnreadable.
    """
    if len(field) > LARGEST_FIELD:
        raise MessageTooLarge
    try:
        document = base64.b64decode("".join(field.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise MessageUnreadable from error
    if len(document) > LARGEST_DOCUMENT:
        raise MessageTooLarge
    return document


def read(document: bytes) -> Element:
    """Return the root of a response that holds one assertion where one belongs, and signatures only where they may be.

    Raises MessageUnreadable, MessageMisencoded, MessageForbidden, MessageTooLarge, MessageMisshapen, AssertionEncrypted,
    StatusRefused.
    """
    return require_shape(read_elements(document))


def require_shape(nodes: list[Element]) -> Element:
    """Return the root of these elements. Raises MessageMisshapen, AssertionEncrypted, StatusRefused."""
    root = nodes[0]
    if root.tag != f"{{{SAMLP}}}Response":
        raise MessageMisshapen(expected=f"{{{SAMLP}}}Response", received=str(root.tag))
    if len(root.get("InResponseTo") or "") > LONGEST_ID:
        raise MessageMisshapen(expected=f"an InResponseTo of at most {LONGEST_ID} characters")
    _require_unique_ids(nodes)
    _require_one_assertion(root, nodes)
    _require_signatures_in_place(root, nodes)
    return root


def read_elements(document: bytes) -> list[Element]:
    """Return every element of a document, the root first; in another encoding it is written anew before it is read.

    Raises MessageUnreadable, MessageMisencoded, MessageForbidden, MessageTooLarge.
    """
    try:
        return elements(parse(as_utf_8(document, at_most=LARGEST_DOCUMENT)), at_most=MAX_ELEMENTS)
    except MarkupMisencoded as error:
        raise MessageMisencoded(expected="UTF-8, UTF-16, ISO-8859 or Windows-125x", received=str(error)) from error
    except MarkupForbidden as error:
        raise MessageForbidden from error
    except MarkupTooLarge as error:
        raise MessageTooLarge from error
    except MarkupError as error:
        raise MessageUnreadable from error


def _require_unique_ids(nodes: list[Element]) -> None:
    found = [value for node in nodes for name in ID_NAMES if (value := node.get(name)) is not None]
    if len(found) != len(set(found)):
        raise MessageMisshapen(expected="unique IDs", received="the same ID twice")


def _require_one_assertion(root: Element, nodes: list[Element]) -> None:
    """By local name and at any depth: a second one in an odd place or namespace is somebody's trick."""
    found = [node for node in nodes if local_name(node) in ASSERTIONS]
    if not found:
        require_success(root)
    if (
        len(found) != 1
        or found[0].getparent() is not root
        or sum(local_name(node) == "Response" for node in nodes) != 1
    ):
        raise MessageMisshapen(expected="one assertion directly in one response", received=f"{len(found)} assertions")
    if found[0].tag == f"{{{SAML}}}EncryptedAssertion":
        raise AssertionEncrypted
    if found[0].tag != f"{{{SAML}}}Assertion":
        raise MessageMisshapen(expected=f"{{{SAML}}}Assertion", received=str(found[0].tag))
    if not 0 < len(found[0].get("ID") or "") <= LONGEST_ID:
        raise MessageMisshapen(expected=f"an assertion ID of 1 to {LONGEST_ID} characters")


def _require_signatures_in_place(root: Element, nodes: list[Element]) -> None:
    signed = (root, assertion_of(root))
    for node in nodes:
        if local_name(node) == "Signature" and (node.tag != f"{{{DSIG}}}Signature" or node.getparent() not in signed):
            parent = node.getparent()
            raise MessageMisshapen(
                expected="signatures directly in the response or the assertion",
                received=f"{node.tag} in {parent.tag if parent is not None else 'nothing'}",
            )


def assertion_of(root: Element) -> Element:
    """Return the response's assertion. Raises MessageMisshapen when it hasn't just one."""
    found = children(root, SAML, "Assertion")
    if len(found) != 1:
        raise MessageMisshapen(expected="one assertion", received=f"{len(found)} assertions")
    return found[0]


def require_success(root: Element) -> None:
    """Raises StatusRefused with what the IdP says instead (SAML Core §3.2.2), MessageMisshapen."""
    statuses = children(root, SAMLP, "Status")
    codes = children(statuses[0], SAMLP, "StatusCode") if len(statuses) == 1 else []
    if len(codes) != 1:
        raise MessageMisshapen(expected="one Status with one StatusCode")
    if codes[0].get("Value") == SUCCESS:
        return
    values = [code.get("Value", "") for code in codes[0].iter(f"{{{SAMLP}}}StatusCode")]
    raise refusal_of(values, [text_of(message) or "" for message in children(statuses[0], SAMLP, "StatusMessage")])
