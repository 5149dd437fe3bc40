"""Tell from one request who sent it and which step of their work it is, in words that an admin reads in the log."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import parse_qs

from orgs.providers.templates import read
from scim.dialects.step_labels import step_label

Dialect: TypeAlias = Literal["jumpcloud", "okta", "entra", "onelogin", "google", "pingone", "rippling"]

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
OBJECT_ID = re.compile(r"[0-9a-f]{24}")
GUID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
# Entra's connection test looks for a user that can't exist
ENTRA_PROBE = re.compile(rf'userName eq "{GUID}"', re.IGNORECASE)
ENTRA_MEMBER_CHECK = re.compile(r'id eq "[^"]*" and members eq "[^"]*"', re.IGNORECASE)
ENTRA_WORK_MAIL = re.compile(r'emails\[type eq "work"\](?:\.value eq|.*value eq)', re.IGNORECASE)
ENTRA_FLAG = "aadoptscim062020"
ENTRA_OPERATIONS = frozenset({"Add", "Replace", "Remove"})
# each is what the product calls itself; the first that occurs in the User-Agent decides
USER_AGENTS: tuple[tuple[str, Dialect], ...] = (
    ("jumpcloud", "jumpcloud"),
    ("okta", "okta"),
    ("onelogin", "onelogin"),
    ("rippling", "rippling"),
    ("pingone", "pingone"),
    ("pingidentity", "pingone"),
    ("azure", "entra"),
    ("entra", "entra"),
    ("microsoft", "entra"),
    ("google", "google"),
)


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """What a request shows of itself. `path` is what follows the base URL; `query` is as it came, not decoded."""

    method: str
    path: str
    query: str = ""
    user_agent: str = ""
    body: Mapping[str, object] | None = None
    content_type: str = ""
    accept_charset: str = ""


@dataclass(frozen=True, slots=True)
class Recognition:
    """Who sent a request, or None where nothing tells, and the step in plain words."""

    dialect: Dialect | None
    step: str


def recognize(facts: RequestFacts) -> Recognition:
    """Return sender and step. Never raises: whatever comes in has a label."""
    return Recognition(_dialect(facts), step_label(facts.method, facts.path, _filter(facts), facts.body))


def _dialect(facts: RequestFacts) -> Dialect | None:
    named = facts.user_agent.casefold()
    for mark, dialect in USER_AGENTS:
        if mark in named:
            return dialect
    return next((dialect for dialect, shows in SHAPES if shows(facts)), None)


def _is_entra(facts: RequestFacts) -> bool:
    query, expression = facts.query.casefold(), _filter(facts)
    if ENTRA_FLAG in query or ENTRA_FLAG in facts.path.casefold():
        return True
    if any(shape.search(expression) for shape in (ENTRA_MEMBER_CHECK, ENTRA_WORK_MAIL)):
        return True
    if ENTRA_PROBE.fullmatch(expression) or ("displayname eq" in expression.casefold() and "excludedattr" in query):
        return True
    operations = _operations(facts)
    return any(
        str(read(operation, "/op")) in ENTRA_OPERATIONS
        or (read(operation, "/path") == "active" and read(operation, "/value") in ("True", "False"))
        for operation in operations
    )


def _is_onelogin(facts: RequestFacts) -> bool:
    if facts.query.startswith("filter=") and facts.query.endswith("&"):
        return True
    return any(isinstance(schema, str) and schema.startswith("urn:scim:schemas:core:") for schema in _schemas(facts))


def _is_okta(facts: RequestFacts) -> bool:
    if facts.accept_charset.casefold() == "utf-8" and "scim+json" in facts.content_type:
        return True
    query = parse_qs(facts.query)
    page = (query.get("startIndex"), query.get("count"))
    if page == (["1"], ["2"]) or (page == (["1"], ["100"]) and "userName eq" in _filter(facts)):
        return True
    # a rename that repeats the group's id inside the value
    return any(
        read(operation, "/path") is None and isinstance(read(operation, "/value/id"), str)
        for operation in _operations(facts)
    )


def _is_jumpcloud(facts: RequestFacts) -> bool:
    external_id = read(facts.body, "/externalId")
    has_object_id = isinstance(external_id, str) and OBJECT_ID.fullmatch(external_id) is not None
    return has_object_id and ENTERPRISE in _schemas(facts)


# the most telling shapes first
SHAPES: tuple[tuple[Dialect, Callable[[RequestFacts], bool]], ...] = (
    ("entra", _is_entra),
    ("onelogin", _is_onelogin),
    ("okta", _is_okta),
    ("jumpcloud", _is_jumpcloud),
)


def _filter(facts: RequestFacts) -> str:
    return parse_qs(facts.query).get("filter", [""])[0]


def _operations(facts: RequestFacts) -> list[object]:
    found = read(facts.body, "/Operations")
    return found if isinstance(found, list) else []


def _schemas(facts: RequestFacts) -> list[object]:
    found = read(facts.body, "/schemas")
    return found if isinstance(found, list) else []
