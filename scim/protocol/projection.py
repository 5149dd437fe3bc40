"""attributes and excludedAttributes: which part of a resource the client wants (RFC 7644 §3.9)."""

from typing import Any

from scim.protocol.errors import InvalidValue
from scim.protocol.schemas import ENTERPRISE, GROUP, USER

Document = dict[str, Any]
ALWAYS = frozenset({"id", "schemas"})
EXTENSION = ENTERPRISE.casefold()


def project(document: Document, *, attributes: str | None, excluded: str | None) -> Document:
    """Return the resource with only, or without, the named attributes; id and schemas always stay. Raises InvalidValue."""
    if attributes and excluded:
        raise InvalidValue("Send attributes or excludedAttributes, not both.")
    if attributes:
        return _only(document, _names(attributes))
    return _without(document, _names(excluded)) if excluded else document


def _names(text: str) -> frozenset[str]:
    """Return the names in casefolded form, without the core schema's URN; the extension's stays."""
    found = (name.strip().casefold() for name in text.split(","))
    return frozenset(name.removeprefix(f"{USER.casefold()}:").removeprefix(f"{GROUP.casefold()}:") for name in found)


def _only(document: Document, names: frozenset[str]) -> Document:
    shown: Document = {}
    for name, value in document.items():
        key = name.casefold()
        if key in names or key in ALWAYS:
            shown[name] = value
            continue
        separator = ":" if key == EXTENSION else "."
        subs = {wanted.removeprefix(f"{key}{separator}") for wanted in names if wanted.startswith(f"{key}{separator}")}
        if subs and (kept := _subs(value, subs, keep=True)):
            shown[name] = kept
    return shown


def _without(document: Document, names: frozenset[str]) -> Document:
    shown: Document = {}
    for name, value in document.items():
        key = name.casefold()
        if key in names and key not in ALWAYS:
            continue
        separator = ":" if key == EXTENSION else "."
        subs = {wanted.removeprefix(f"{key}{separator}") for wanted in names if wanted.startswith(f"{key}{separator}")}
        shown[name] = _subs(value, subs, keep=False) if subs else value
    return shown


def _subs(value: Any, subs: set[str], *, keep: bool) -> Any:
    if isinstance(value, list):
        return [_subs(item, subs, keep=keep) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: inner for name, inner in value.items() if (name.casefold() in subs) is keep}
