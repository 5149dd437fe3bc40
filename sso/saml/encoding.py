"""Documents in other encodings, written anew in UTF-8 before they are read once.

What is parsed, canonicalized and verified are the bytes that are returned here, and nobody looks at the others again.
"""

import codecs
import re

from sso.saml.markup import BLANKS, ENCODING, ENCODINGS, LATIN, MarkupMisencoded, MarkupTooLarge

BYTE_ORDER_MARK = "\ufeff"
UTF_8_MARK = b"\xef\xbb\xbf"
# nobody puts more before a declaration
BEFORE = re.compile(rb"(?:\xef\xbb\xbf|[ \t\r\n]){0,1000}")
# how documents begin that aren't written in bytes like ASCII's (XML 1.0 appendix F); the longer ones come first
BEGINNINGS = (
    (b"\xff\xfe\0\0", "UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
    (b"<\0\0\0", "UTF-32"),
    (b"\0\0\0<", "UTF-32"),
    (b"Lo\xa7\x94", "EBCDIC"),
    (b"\xff\xfe", "utf-16-le"),
    (b"<\0", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
    (b"\0<", "utf-16-be"),
)
UNREAD = ("UTF-32", "EBCDIC")
# a declaration that is read in bytes can't be in UTF-16: .NET writes this over a text that it then encodes in UTF-8
MISTAKEN = re.compile(rb"UTF-?16|UNICODE", re.IGNORECASE)


def as_utf_8(document: bytes, *, at_most: int) -> bytes:
    """Return the document in UTF-8, and without the blanks and marks before its declaration, which no parser takes.

    ISO-8859, Windows-125x and UTF-16 are written anew, in at most so many bytes. Raises MarkupMisencoded, MarkupTooLarge.
    """
    found = next((name for beginning, name in BEGINNINGS if document.startswith(beginning)), "")
    if found in UNREAD:
        raise MarkupMisencoded(found)
    if found:
        return _declared(_written(document, found, at_most))
    before: bytes = BEFORE.match(document)[0]  # type: ignore[index]  # it matches nothing, too
    started = document[len(before) :]
    if UTF_8_MARK in before:
        # a byte order mark says more than a declaration
        started = _declared(started)
    declaration = ENCODING.match(started)
    name = declaration[1].decode("ascii", "replace") if declaration else ""
    if name and LATIN.fullmatch(name.encode("ascii", "replace")):
        return _declared(_written(started, name, at_most))
    if declaration and name.upper().encode("ascii", "replace") not in ENCODINGS:
        if not MISTAKEN.fullmatch(declaration[1]):
            raise MarkupMisencoded(name or "an encoding without a name")
        started = _declared(started)
    # what doesn't begin like XML, such as a deflated message, isn't a matter of encodings
    if started.startswith(b"<") and not _is_utf_8(started):
        raise MarkupMisencoded("bytes that aren’t UTF-8, as they should be where nothing else is declared")
    return started


def _written(document: bytes, name: str, at_most: int) -> bytes:
    try:
        text, _ = codecs.lookup(name).decode(document, "strict")
    except (LookupError, UnicodeDecodeError) as error:
        raise MarkupMisencoded(f"bytes that aren’t {name}") from error
    written = text.lstrip(BYTE_ORDER_MARK + BLANKS).encode("utf-8")
    if len(written) > at_most:
        raise MarkupTooLarge
    return written


def _declared(document: bytes) -> bytes:
    """Return the document with a declaration, where there is one, of the encoding that it has now."""
    found = ENCODING.match(document)
    return document if found is None else document[: found.start(1)] + b"UTF-8" + document[found.end(1) :]


def _is_utf_8(document: bytes) -> bool:
    try:
        document.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
