"""One strict way to read XML from outside: no DTD, no entity, no network, no node that a canonicaliser would swallow."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from lxml import etree
from lxml.etree import _Element

from sso.identity.errors import SignInError

Element = _Element
Found = TypeVar("Found")
# XML's own (XML 1.0 §2.3)
BLANKS = " \t\r\n"
DSIG = "http://www.w3.org/2000/09/xmldsig#"
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
MAX_ATTRIBUTES = 64
# per element on average, of as many elements as the caller allows
AVERAGE_ATTRIBUTES = 4
# each of 2,000 values of an attribute may declare the two that xsi:type needs
MAX_NAMESPACES = 4_000
# beside the elements that a caller counts in full
MAX_CHEAP = 5_100
# but not one below the other: the canonicaliser searches those that are in scope, for each element and attribute
MAX_IN_SCOPE = 256
# and so many times, per element on average, of as many elements as the caller allows. Somebody in 2,500 groups needs 18
AVERAGE_SEARCHES = 250
# names with their namespaces written out, as the canonicaliser may have to: characters per element on average
LONGEST_NAMES = 256
ENCODINGS = frozenset({b"UTF-8", b"UTF8", b"US-ASCII", b"ASCII"})
# under these names ASCII is ASCII too
LATIN = re.compile(rb"(?:ISO[-_]8859-\d\d?|LATIN-?\d|(?:WINDOWS-|CP)125\d)", re.IGNORECASE)
WIDE_BEGINNINGS = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")
ENCODING = re.compile(rb"""(?:\xef\xbb\xbf)?<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([^"'>]*)""")
DECLARATIONS = (b"<!DOCTYPE", b"<!ENTITY")


class Malformed(StrEnum):
    """Why a document isn't well-formed, where people can do something about it."""

    AMPERSAND = "ampersand"
    PREFIX = "prefix"
    CUT_OFF = "cut off"
    OTHER = "other"


AMPERSAND_ERRORS = (
    etree.ErrorTypes.ERR_ENTITYREF_SEMICOL_MISSING,
    etree.ErrorTypes.ERR_NAME_REQUIRED,
    etree.ErrorTypes.ERR_UNDECLARED_ENTITY,
)
CUT_OFF_ERRORS = (
    etree.ErrorTypes.ERR_TAG_NOT_FINISHED,
    etree.ErrorTypes.ERR_GT_REQUIRED,
    etree.ErrorTypes.ERR_ATTRIBUTE_NOT_FINISHED,
)
MALFORMED: dict[int, Malformed] = {
    **dict.fromkeys(AMPERSAND_ERRORS, Malformed.AMPERSAND),
    **dict.fromkeys(CUT_OFF_ERRORS, Malformed.CUT_OFF),
    etree.ErrorTypes.NS_ERR_UNDEFINED_NAMESPACE: Malformed.PREFIX,
}


class MarkupError(Exception):
    """The document isn't read. `line` is where, counted from 1, and 0 where that isn't known."""

    def __init__(self, text: str = "", *, line: int = 0) -> None:
        self.line = line
        super().__init__(text)


class MarkupForbidden(MarkupError):
    """The document holds what SAML never needs: a DTD, an entity, a comment or a processing instruction."""


class InstructionForbidden(MarkupForbidden):
    """It is a processing instruction; the text is its name."""


class MarkupUnreadable(MarkupError):
    """This isn't one well-formed XML 1.0 document in UTF-8."""

    def __init__(self, text: str = "", *, malformed: Malformed = Malformed.OTHER, line: int = 0) -> None:
        self.malformed = malformed
        super().__init__(text, line=line)


class MarkupMisencoded(MarkupUnreadable):
    """This is, or says that it is, in another encoding than UTF-8."""


class MarkupTooLarge(MarkupError):
    """More elements, attributes or namespaces than the caller allows."""


def run_in_thread(read: Callable[[], Found]) -> Found:
    """Return what `read` returns, or raise what it raises; nothing else of what it read is left in memory.

    The library keeps each name that a thread has read for as long as the thread lives: strangers who send a new one each
    time would fill the memory. So documents from outside are read in a thread that ends with them.
    """
    with ThreadPoolExecutor(max_workers=1) as alone:
        return alone.submit(read).result()


def parse(document: bytes, *, namespaces: int = MAX_NAMESPACES) -> Element:
    """Return the root element of a document with at most so many declarations of namespaces.

    Raises MarkupForbidden for a DTD, MarkupMisencoded, MarkupUnreadable, MarkupTooLarge.
    """
    if any(word in document for word in DECLARATIONS):
        raise MarkupForbidden
    if document.count(b"xmlns") > namespaces:
        raise MarkupTooLarge
    if not _is_utf_8(document):
        raise MarkupMisencoded
    # told the encoding, the parser reads the bytes as the tests above do, whatever the document says of itself;
    # and it is a parser of its own: one for all would be a lock for all threads
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        recover=False,
    )
    try:
        root = etree.fromstring(document, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _unreadable(error) from error
    about: Any = root.getroottree().docinfo
    if about.doctype or about.internalDTD is not None or about.externalDTD is not None:
        raise MarkupForbidden
    if about.xml_version != "1.0":
        raise MarkupUnreadable
    return root


def _unreadable(error: Any) -> MarkupUnreadable:
    malformed = MALFORMED.get(getattr(error, "code", 0), Malformed.OTHER)
    return MarkupUnreadable(malformed=malformed, line=getattr(error, "lineno", 0) or 0)


def _forbidden(node: Any) -> MarkupForbidden:
    if node.tag is etree.ProcessingInstruction:
        return InstructionForbidden(str(node.target), line=line_of(node))
    return MarkupForbidden(line=line_of(node))


def _is_utf_8(document: bytes) -> bool:
    """Say whether the document can be read as UTF-8, by how it begins and by what it says of itself."""
    found = ENCODING.match(document)
    declared = found[1].upper() if found else b"UTF-8"
    is_named = declared in ENCODINGS or (LATIN.fullmatch(declared) is not None and document.isascii())
    return is_named and not document.startswith(WIDE_BEGINNINGS)


def scopes(root: Element) -> Iterator[int]:
    """Return for each element how many namespaces are declared by it and above it; one declared twice counts twice."""
    in_scope = 0
    events: Any = etree.iterwalk(root, events=("start-ns", "start", "end-ns"))
    for event, _ in events:
        if event == "start":
            yield in_scope
        else:
            in_scope += 1 if event == "start-ns" else -1


@dataclass(frozen=True, slots=True)
class Elements:
    """The elements of a document, in its order: all of them, and those that aren't known to cost little. The root is first."""

    every: list[Element]
    counted: list[Element]


def elements(
    root: Element, *, at_most: int, with_comments: bool = False, is_cheap: Callable[[Element], bool] | None = None
) -> Elements:
    """Return the elements of a document. Raises MarkupForbidden, MarkupTooLarge.

    Comments are refused unless `with_comments` (then they are left out); processing instructions and entities always. Of
    elements that are known to cost little, because `is_cheap` says so, there may be 5,100 besides.
    """
    every: list[Element] = []
    counted: list[Element] = []
    written = attributes = 0
    nodes: Any = root.iter()
    for node in nodes:
        if not isinstance(node.tag, str):
            if with_comments and node.tag is etree.Comment:
                continue
            raise _forbidden(node)
        if is_cheap is not None and is_cheap(node):
            if len(every) - len(counted) == MAX_CHEAP:
                raise MarkupTooLarge
            every.append(node)
            continue
        attributes += len(node.attrib)
        # the canonicaliser sorts attributes one by one, and searches the namespace of each
        if len(counted) == at_most or len(node.attrib) > MAX_ATTRIBUTES or attributes > at_most * AVERAGE_ATTRIBUTES:
            raise MarkupTooLarge
        # one long namespace, used by elements side by side, is written out for each of them when it is canonicalised
        written += len(node.tag) + sum(map(len, node.keys()))
        if written > at_most * LONGEST_NAMES:
            raise MarkupTooLarge
        every.append(node)
        counted.append(node)
    beside: list[Any] = [*root.itersiblings(), *root.itersiblings(preceding=True)]
    for node in beside:
        if node.tag is not etree.Comment or not with_comments:
            raise _forbidden(node)
    return Elements(every, counted)


def require_few_in_scope(found: Elements, *, at_most: int, in_scope: int = MAX_IN_SCOPE) -> None:
    """Refuse what the canonicaliser would search for long; `at_most` is as above.

    For each element and each of its attributes it looks through the namespaces in scope there, however small the document is.
    Raises MarkupTooLarge.
    """
    searches = 0
    for node, declared in zip(found.every, scopes(found.every[0]), strict=True):
        searches += declared * (1 + len(node.attrib))
        if declared > in_scope or searches > at_most * AVERAGE_SEARCHES:
            raise MarkupTooLarge


def line_of(node: Any) -> int:
    """Return the line in which an element's start tag ends, or 0 when that isn't known."""
    return int(node.sourceline or 0)


def local_name(node: Element) -> str:
    return str(node.tag).rpartition("}")[2]


def children(node: Element, namespace: str, name: str) -> list[Element]:
    """Return the direct children of this name."""
    return list(node.iterchildren(f"{{{namespace}}}{name}"))


def text_of(node: Element) -> str | None:
    """Return an element's whole text, or None when it has children, so that no reader sees less than another."""
    return None if len(node) else node.text or ""


def plain_text(node: Element) -> str | None:
    """Return the element's text without the blanks around it, which pretty-printers put there; None when it has children.

    Only XML's own four (XML 1.0 §2.3) are left out, so two texts that look alike stay two.
    """
    text = text_of(node)
    return None if text is None else text.strip(BLANKS)


def only(node: Element, name: str, problem: type[SignInError]) -> Element:
    """Return the one child of this name in the assertion namespace. Raises the problem for none or several."""
    found = children(node, SAML, name)
    if len(found) != 1:
        raise problem(expected=f"one {name}", received=f"{len(found)}")
    return found[0]
