"""attributes and excludedAttributes: which part of a resource the client wants (RFC 7644 §3.9)."""

from collections.abc import Iterable
from typing import Any

from scim.protocol.errors import InvalidValue
from scim.protocol.schemas import EARLY_CORE, GROUP, USER, Document, user_extension, with_colon

Names = frozenset[str]
ALWAYS = frozenset({"id", "schemas"})
CORE = frozenset({USER.casefold(), GROUP.casefold(), *EARLY_CORE})


def project(document: Document, *, attributes: str | None, excluded: str | None) -> Document:
    """Return the resource with only, or without, the named attributes; id and schemas always stay. Raises InvalidValue."""
    if attributes and excluded:
        raise InvalidValue("Send attributes or excludedAttributes, not both.")
    if not attributes and not excluded:
        return document
    always = {name: value for name, value in document.items() if name.casefold() in ALWAYS}
    rest = {name: value for name, value in document.items() if name not in always}
    shown: Document = _only(rest, _names(attributes)) if attributes else _without(rest, _names(excluded or ""))
    return always | shown


def is_wanted(name: str, attributes: str | None, excluded: str | None) -> bool:
    """Say whether any of an attribute, named in small letters, is shown: what is large isn't read when it is left out."""
    if attributes:
        return any(wanted.partition(".")[0] == name for wanted in _names(attributes))
    return name not in _names(excluded or "")


def _names(text: str) -> Names:
    return frozenset(_name(with_colon(name.strip()).casefold()) for name in text.split(","))


def _name(name: str) -> str:
    """Return a name without the core schema's URN; an extension's stays, spelled as resources have it."""
    urn, _, attribute = name.rpartition(":")
    if urn in CORE:
        return attribute
    extension = user_extension(urn)
    return f"{extension.casefold()}:{attribute}" if extension else name


def _below(name: str, names: Iterable[str]) -> Names:
    """Return what is named inside an attribute: `givenname` of `name.givenName`, `manager.value` of the extension's.

    An attribute of an extension is understood without its URN, too, as in filters: no core attribute has such a name.
    """
    key = name.casefold()
    prefix, bare = (f"{key}:", True) if key.startswith("urn:") else (f"{key}.", False)
    return frozenset(
        wanted.removeprefix(prefix)
        for wanted in names
        if wanted.startswith(prefix) or (bare and not wanted.startswith("urn:"))
    )


def _only(value: Any, names: Names) -> Any:
    if isinstance(value, list):
        return [kept for item in value if (kept := _only(item, names))]
    if not isinstance(value, dict):
        return None
    shown: Document = {}
    for name, inner in value.items():
        kept = inner if name.casefold() in names else _only_below(name, inner, names)
        # an object of which nothing was wanted isn't shown empty; a false that was wanted stays
        if kept is not None and kept not in ({}, []):
            shown[name] = kept
    return shown


def _only_below(name: str, value: Any, names: Names) -> Any:
    return _only(value, _below(name, names)) if isinstance(value, dict | list) else None


def _without(value: Any, names: Names) -> Any:
    if not names or not isinstance(value, dict | list):
        return value
    if isinstance(value, list):
        return [kept for item in value if (kept := _without(item, names)) not in ({}, [])]
    left = {name: _without_below(name, inner, names) for name, inner in value.items() if name.casefold() not in names}
    return {name: inner for name, inner in left.items() if inner not in ({}, [])}


def _without_below(name: str, value: Any, names: Names) -> Any:
    return _without(value, _below(name, names)) if isinstance(value, dict | list) else value
