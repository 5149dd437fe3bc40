"""attributes and excludedAttributes: which part of a resource the client wants (RFC 7644 §3.9)."""

from collections.abc import Iterable
from typing import Any

from scim.protocol.errors import InvalidValue
from scim.protocol.schemas import ENTERPRISE, GROUP, USER, Document

Names = frozenset[str]
ALWAYS = frozenset({"id", "schemas"})
EXTENSION = ENTERPRISE.casefold()


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


def _names(text: str) -> Names:
    """Return the names in casefolded form, without the core schema's URN; the extension's stays."""
    found = (name.strip().casefold() for name in text.split(","))
    return frozenset(name.removeprefix(f"{USER.casefold()}:").removeprefix(f"{GROUP.casefold()}:") for name in found)


def _below(name: str, names: Iterable[str]) -> Names:
    """Return what is named inside an attribute: `givenname` of `name.givenname`, `manager.value` of the extension's."""
    prefix = f"{name.casefold()}:" if name.casefold() == EXTENSION else f"{name.casefold()}."
    return frozenset(wanted.removeprefix(prefix) for wanted in names if wanted.startswith(prefix))


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
