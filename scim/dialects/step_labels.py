"""Name what a SCIM request is for, in words that an admin reads in the log."""

from collections.abc import Iterator, Mapping

from orgs.providers.templates import read

OTHER = "Other request"
DISCOVERY = {
    "serviceproviderconfig": "Read service configuration",
    "resourcetypes": "Read resource types",
    "schemas": "Read schemas",
    "me": "Read own account",
}
FALSE_TEXTS, TRUE_TEXTS = frozenset({"false", "0", "no"}), frozenset({"true", "1", "yes"})
MEMBER_LABELS = {"add": "Add members", "remove": "Remove members", "replace": "Replace members"}


def step_label(method: str, path: str, filter_expression: str, body: Mapping[str, object] | None) -> str:
    """Return the label. `path` is what follows the base URL, with or without stray slashes."""
    segments = [segment for segment in path.partition("?")[0].split("/") if segment]
    resource = segments[0].casefold() if segments else ""
    verb = method.upper()
    if resource in ("users", "groups"):
        noun = resource[:-1]
        is_one = len(segments) > 1 and segments[1] != ".search"
        return _one(verb, noun, body) if is_one else _collection(verb, noun, segments, filter_expression)
    if resource in DISCOVERY and verb == "GET":
        return DISCOVERY[resource]
    if verb == "POST" and resource in ("bulk", ".search"):
        return "Bulk change" if resource == "bulk" else "Search"
    return "Open the base URL" if not resource and verb == "GET" else OTHER


def _collection(verb: str, noun: str, segments: list[str], filter_expression: str) -> str:
    if verb == "GET":
        if not filter_expression:
            return f"List {noun}s"
        return f"Look up {noun}" if " eq " in filter_expression.casefold() else f"Search {noun}s"
    if verb == "POST":
        return f"Create {noun}" if len(segments) == 1 else f"Search {noun}s"
    return OTHER


def _one(verb: str, noun: str, body: Mapping[str, object] | None) -> str:
    if verb in ("GET", "DELETE"):
        return f"{'Read' if verb == 'GET' else 'Delete'} {noun}"
    if verb == "PUT":
        return _put_user(body) if noun == "user" else _put_group(body)
    if verb == "PATCH":
        return _patch_user(body) if noun == "user" else _patch_group(body)
    return OTHER


def _put_user(body: Mapping[str, object] | None) -> str:
    # a PUT holds the whole user, so only "inactive" tells something: "active" is what almost every update says
    return "Deactivate user" if _as_boolean(read(body, "/active")) is False else "Update user"


def _put_group(body: Mapping[str, object] | None) -> str:
    return "Replace members" if read(body, "/members") is not None else "Update group"


def _patch_user(body: Mapping[str, object] | None) -> str:
    changes = list(_changes(body))
    states = [_as_boolean(value) for _, path, value in changes if path == "active"]
    if False in states:
        return "Deactivate user"
    return "Reactivate user" if states and len(states) == len(changes) and None not in states else "Update user"


def _patch_group(body: Mapping[str, object] | None) -> str:
    labels = {_group_label(operation, path) for operation, path, _ in _changes(body) if path not in ("id", "schemas")}
    return labels.pop() if len(labels) == 1 else "Update group"


def _group_label(operation: str, path: str) -> str:
    if path.startswith("members"):
        return MEMBER_LABELS.get(operation, "Update group")
    return "Rename group" if path == "displayname" else "Update group"


def _changes(body: Mapping[str, object] | None) -> Iterator[tuple[str, str, object]]:
    """Yield (op, path, value) in lower case; an operation without a path is one change per attribute of its value."""
    operations = read(body, "/Operations")
    for operation in operations if isinstance(operations, list) else []:
        verb, path, value = (read(operation, f"/{name}") for name in ("op", "path", "value"))
        if isinstance(path, str) and path:
            yield str(verb).casefold(), path.casefold(), value
        elif isinstance(value, Mapping):
            yield from ((str(verb).casefold(), str(name).casefold(), child) for name, child in value.items())


def _as_boolean(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    text = str(value).casefold() if isinstance(value, str | int) else ""
    return True if text in TRUE_TEXTS else False if text in FALSE_TEXTS else None
