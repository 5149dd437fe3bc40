"""The named checks that steps make on answers. Each is a claim of RFC 7643 or 7644, or a habit that breaks an IdP."""

import json
from collections.abc import Mapping
from dataclasses import replace

from orgs.providers.steps import ScimCheck, StepResponse
from orgs.providers.templates import Context, fill_text, read

LIST_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:Error"


def _string_id(answer: StepResponse, _: Context) -> str | None:
    found = read(answer.body, "/id")
    if isinstance(found, str) and found:
        return None
    return f"`id` must be a JSON string, and is {_kind(found)}."


def _location(answer: StepResponse, _: Context) -> str | None:
    if answer.headers.get("location") and read(answer.body, "/meta/location"):
        return None
    return "The Location header or meta.location is missing (RFC 7644 §3.3)."


def _list_envelope(answer: StepResponse, _: Context) -> str | None:
    total, resources = read(answer.body, "/totalResults"), read(answer.body, "/Resources")
    for name in ("totalResults", "startIndex", "itemsPerPage"):
        number = read(answer.body, f"/{name}")
        if (number is not None or name == "totalResults") and type(number) is not int:
            return f"`{name}` must be a JSON integer, and is {_kind(number)} (RFC 7644 §3.4.2)."
    if resources is not None and not isinstance(resources, list):
        return f"`Resources` must be a list, and is {_kind(resources)}."
    return None if total == 0 or resources is not None else "`Resources` is missing (RFC 7644 §3.4.2)."


def _list_schema(answer: StepResponse, _: Context) -> str | None:
    return None if LIST_SCHEMA in _schemas(answer) else "`schemas` doesn't name ListResponse (RFC 7644 §3.4.2)."


def _error_envelope(answer: StepResponse, _: Context) -> str | None:
    if ERROR_SCHEMA not in _schemas(answer):
        return "The error has no SCIM body (RFC 7644 §3.12)."
    if read(answer.body, "/status") != str(answer.status):
        return "`status` of the error must be the status code as a string (RFC 7644 §3.12)."
    return None


def _media_type(answer: StepResponse, _: Context) -> str | None:
    found = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if found in {"application/scim+json", "application/json"}:
        return None
    return f"Content-Type is {found or 'missing'} instead of application/scim+json (RFC 7644 §3.1)."


def _free_or_left_over(answer: StepResponse, context: Context) -> str | None:
    total, user = read(answer.body, "/totalResults"), read(answer.body, "/Resources/0")
    if total == 0:
        return None
    if not _same_text(read(user, "/userName"), context["user_name"]):
        return f"The filter was ignored: {total} users came back for an address that none of them has."
    if read(user, "/active") is not False:
        return "An active user has this address already: give one that is unknown there."
    signs = {"/externalId": "external_id", "/name/familyName": "family_name"}
    is_own = any(read(user, pointer) == context[key] for pointer, key in signs.items())
    return None if is_own else "A deactivated person has this address: give one that is unknown there."


STRING_ID = ScimCheck("string id", _string_id)
LOCATION = ScimCheck("Location", _location, blocks=False)
LIST = ScimCheck("list with integers", _list_envelope)
LIST_SCHEMA_NAMED = ScimCheck("ListResponse", _list_schema, blocks=False)
ERROR_ENVELOPE = ScimCheck("SCIM error", _error_envelope, blocks=False)
MEDIA_TYPE = ScimCheck("media type", _media_type, blocks=False)
FREE_OR_LEFT_OVER = ScimCheck("nobody, or the inactive user of an earlier test", _free_or_left_over)
LISTED = (LIST, LIST_SCHEMA_NAMED, MEDIA_TYPE)


def says(pointer: str, expected: str | bool) -> ScimCheck:
    """Check that the answer has this value there; text is compared without case, as userName is (RFC 7643 §4.1.1)."""

    def problem(answer: StepResponse, context: Context) -> str | None:
        found = read(answer.body, pointer)
        wanted = fill_text(expected, context) if isinstance(expected, str) else expected
        is_right = _same_text(found, wanted) if isinstance(wanted, str) else found is wanted
        return None if is_right else f"`{pointer[1:]}` should be {_show(wanted)}, and is {_show(found)}."

    shown = str(expected).lower() if isinstance(expected, bool) else "as sent"
    return ScimCheck(f"{pointer[1:]} {shown}", problem)


def noted(check: ScimCheck) -> ScimCheck:
    """Return the same check for what an identity provider can do without: its problem becomes a note."""
    return replace(check, blocks=False)


def finds(key: str) -> ScimCheck:
    """Check that the list has exactly the resource whose id the context keeps under this key."""

    def problem(answer: StepResponse, context: Context) -> str | None:
        total, found = read(answer.body, "/totalResults"), read(answer.body, "/Resources/0/id")
        if total == 1 and found == context[key]:
            return None
        return f"The filter should find exactly the resource {context[key]}, and found {total}: {_show(found)} first."

    return ScimCheck("finds it", problem)


def counts(expected: int, otherwise: str) -> ScimCheck:
    """Check that the list's total is this number; `otherwise` says what it means when it isn't."""

    def problem(answer: StepResponse, _: Context) -> str | None:
        found = read(answer.body, "/totalResults")
        return None if found == expected else f"{otherwise} (totalResults is {_show(found)})"

    return ScimCheck(f"{expected} found", problem)


def at_most_one(attribute: str, expected: str) -> ScimCheck:
    """Check that the list is empty or has one resource with this attribute: the filter was not ignored."""

    def problem(answer: StepResponse, context: Context) -> str | None:
        total, found = read(answer.body, "/totalResults"), read(answer.body, f"/Resources/0/{attribute}")
        if total == 0 or (total == 1 and _same_text(found, fill_text(expected, context))):
            return None
        return f"The filter should find one {attribute} at most, and found {total}: {_show(found)} first."

    return ScimCheck("one at most", problem)


def has_members(*keys: str) -> ScimCheck:
    """Check that the group's members are exactly the resources that the context keeps under these keys."""

    def problem(answer: StepResponse, context: Context) -> str | None:
        missing, extra = _difference(answer, {context[key] for key in keys})
        return f"Members are wrong: {missing} missing, {extra} too many." if missing or extra else None

    return ScimCheck(f"{len(keys)} members" if keys else "no members", problem)


def includes_members(*keys: str) -> ScimCheck:
    """Check that the resources that the context keeps under these keys are members of the group."""

    def problem(answer: StepResponse, context: Context) -> str | None:
        missing, _ = _difference(answer, {context[key] for key in keys})
        return f"{missing} of {len(keys)} pushed members are missing." if missing else None

    return ScimCheck(f"{len(keys)} members", problem)


def lacks_member(key: str) -> ScimCheck:
    """Check that the resource that the context keeps under this key is no member of the group."""

    def problem(answer: StepResponse, context: Context) -> str | None:
        _, extra = _difference(answer, _member_ids(answer) - {context[key]})
        return "The member that was removed is still there." if extra else None

    return ScimCheck("member gone", problem)


def _difference(answer: StepResponse, expected: set[str]) -> tuple[int, int]:
    found = _member_ids(answer)
    return len(expected - found), len(found - expected)


def _member_ids(answer: StepResponse) -> set[str]:
    members = read(answer.body, "/members")
    ids = [read(member, "/value") for member in members] if isinstance(members, list) else []
    return {found for found in ids if isinstance(found, str)}


def _schemas(answer: StepResponse) -> list[object]:
    found = read(answer.body, "/schemas")
    return found if isinstance(found, list) else []


def _same_text(found: object, expected: str) -> bool:
    return isinstance(found, str) and found.casefold() == expected.casefold()


def _kind(found: object) -> str:
    if found is None:
        return "missing"
    names: Mapping[type, str] = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list"}
    return names.get(type(found), "an object")


def _show(found: object) -> str:
    if isinstance(found, str):
        return f'"{found[:80]}"'
    return json.dumps(found) if isinstance(found, int) else _kind(found)
