"""Fill the placeholders of a step, and read values out of an answer. Pure: JSON in, JSON out."""

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | float | bool | None"
Context: TypeAlias = Mapping[str, str]

# JSON and SCIM filters use braces and brackets too, so only {lower_case_names} are placeholders
PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")


def placeholders(template: Json) -> frozenset[str]:
    """Return the names that the template needs, wherever they stand in it."""
    if isinstance(template, str):
        return frozenset(PLACEHOLDER.findall(template))
    return frozenset().union(*(placeholders(child) for child in _children(template)))


def fill(template: Json, context: Context) -> Json:
    """Return the template with each placeholder replaced, once: a value that holds braces stays as it is.

    Raises KeyError when the context lacks a name.
    """
    if isinstance(template, str):
        return PLACEHOLDER.sub(lambda match: context[match[1]], template)
    if isinstance(template, Mapping):
        return {name: fill(child, context) for name, child in template.items()}
    if isinstance(template, Sequence):
        return [fill(child, context) for child in template]
    return template


def fill_text(template: str, context: Context) -> str:
    """Return a text template filled."""
    return str(fill(template, context))


def read(document: object, pointer: str) -> object:
    """Return what a JSON pointer (RFC 6901) names, or None when there is nothing."""
    found = document
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping):
            found = found.get(key)
        elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            return None
    return found


def _children(template: Json) -> Sequence[Json]:
    if isinstance(template, Mapping):
        return list(template.values())
    if isinstance(template, Sequence) and not isinstance(template, str):
        return template
    return []
