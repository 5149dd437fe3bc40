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
    MAX_IN_SCOPE,
    MAX_NAMESPACES,
    SAML,
    SAMLP,
    Element,
    Elements,
    MarkupError,
    MarkupForbidden,
    MarkupMisencoded,
    MarkupTooLarge,
    children,
    elements,
    local_name,
    parse,
    require_few_in_scope,
    text_of,
)
from sso.saml.status import SUCCESS, refusal_of

# somebody in 2,500 groups, each of whose names declares the namespaces of its type, needs 412 KB; 700 KB where each is in an
# attribute of its own
LARGEST_DOCUMENT = 768 * 1024
LARGEST_FIELD = 1152 * 1024
MAX_ELEMENTS = 2_000
# what is larger, or has more elements, must be nearly all plain values of attributes: these bound what it costs to refuse it
COMMON_DOCUMENT = 256 * 1024
MOST_TAGS = 14_000
MOST_EQUALS = 40_000
MOST_NAMESPACES = 6_400
MOST_OTHERS = 500
MOST_IN_SCOPE = 32
MOST_ABOVE_STATEMENT = 2
BLANKS_IN_BASE64 = b" \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f"
STATEMENT, ATTRIBUTE, VALUE = (f"{{{SAML}}}{name}" for name in ("AttributeStatement", "Attribute", "AttributeValue"))
PARENTS = {VALUE: ATTRIBUTE, ATTRIBUTE: STATEMENT}
XSI = "http://www.w3.org/2001/XMLSchema-instance"
PLAIN_NAMES = frozenset({"Name", "NameFormat", "FriendlyName", f"{{{XSI}}}type", f"{{{XSI}}}nil"})
LONGEST_ID = 256
ASSERTIONS = ("Assertion", "EncryptedAssertion")
ID_NAMES = frozenset({"ID", "Id", "id", "iD", "{http://www.w3.org/XML/1998/namespace}id"})


def decode(field: str) -> bytes:
    """Return the document that the form field `SAMLResponse` carries (SAML Bindings §3.5.4). Nothing is inflated.

    Raises MessageTooLarge, MessageUnreadable.
    """
    if len(field) > LARGEST_FIELD:
        raise MessageTooLarge
    try:
        document = base64.b64decode(field.encode("ascii").translate(None, BLANKS_IN_BASE64), validate=True)
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
    """Return the elements of a document but plain attributes of the assertion and their values; the root is the first.

    In another encoding the document is written anew before it is read.

    Raises MessageUnreadable, MessageMisencoded, MessageForbidden, MessageTooLarge.
    """
    try:
        text = as_utf_8(document, at_most=LARGEST_DOCUMENT)
        is_large = len(text) > COMMON_DOCUMENT
        if is_large and (text.count(b"<") > MOST_TAGS or text.count(b"=") > MOST_EQUALS):
            raise MarkupTooLarge
        root = parse(text, namespaces=MOST_NAMESPACES if is_large else MAX_NAMESPACES)
        found = elements(root, at_most=MAX_ELEMENTS, is_cheap=_is_plain_value)
        is_long = is_large or len(found.every) > MAX_ELEMENTS
        require_few_in_scope(found, at_most=MAX_ELEMENTS, in_scope=MOST_IN_SCOPE if is_long else MAX_IN_SCOPE)
        if is_long:
            _require_little_else(root, found)
        # a plain value has no ID, and is no signature, no response and no assertion
        return found.counted
    except MarkupMisencoded as error:
        raise MessageMisencoded(expected="UTF-8, UTF-16, ISO-8859 or Windows-125x", received=str(error)) from error
    except MarkupForbidden as error:
        raise MessageForbidden from error
    except MarkupTooLarge as error:
        raise MessageTooLarge from error
    except MarkupError as error:
        raise MessageUnreadable from error


def read_canonical(document: bytes) -> Element:
    """Return the root of what the canonicaliser wrote of elements that were read before: it holds those, and nothing else.

    They were counted then. Raises MessageForbidden, MessageTooLarge, MessageUnreadable.
    """
    # there each < in a text or a value is written as &lt;
    if any(beginning in document for beginning in (b"<!", b"<?")):
        raise MessageForbidden
    try:
        return parse(document, namespaces=MOST_NAMESPACES if len(document) > COMMON_DOCUMENT else MAX_NAMESPACES)
    except MarkupTooLarge as error:
        raise MessageTooLarge from error
    except MarkupError as error:
        raise MessageUnreadable from error


def _is_plain_value(node: Element) -> bool:
    """Say whether this is an attribute of the assertion or one of its values, with nothing that would cost more than its text."""
    tag = node.tag
    above = PARENTS.get(tag) if isinstance(tag, str) else None
    if above is None or (tag == VALUE and len(node)) or not PLAIN_NAMES.issuperset(node.keys()):
        return False
    parent = node.getparent()
    return parent is not None and parent.tag == above


def _require_little_else(root: Element, found: Elements) -> None:
    """Raises MarkupTooLarge where a long message is more than an assertion of many plain values.

    Each value costs what is above it: the canonicalizer looks there for the namespaces that it uses.
    """
    others = sum(node.tag not in PARENTS for node in found.counted)
    is_deep = any(len(list(node.iterancestors())) > MOST_ABOVE_STATEMENT for node in root.iter(STATEMENT))
    if is_deep or others > MOST_OTHERS:
        raise MarkupTooLarge


def _require_unique_ids(nodes: list[Element]) -> None:
    found = [value for node in nodes for name in ID_NAMES if (value := node.get(name)) is not None]
    if len(found) != len(set(found)):
        raise MessageMisshapen(expected="unique IDs", received="the same ID twice")


def _require_one_assertion(root: Element, nodes: list[Element]) -> None:
    """Refuse a second assertion, by local name and at any depth: in an odd place or namespace it is an attack."""
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
