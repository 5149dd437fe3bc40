"""Tell from one request who sent it and which step of their work it is, in words that an admin reads in the log."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qs

from orgs.providers.habits import RequestFacts, RequestShape
from orgs.providers.registry import SCIM_CLIENTS
from orgs.providers.templates import read
from orgs.providers.types import Absent
from scim.dialects.step_labels import step_label

# what a User-Agent contains, and the marks of requests, each with the code of the provider; the first that fits decides
USER_AGENTS = tuple((mark, one.code) for one, habits in SCIM_CLIENTS for mark in habits.user_agents)
SHAPES = tuple(
    (shape, one.code)
    for one, habits in SCIM_CLIENTS
    if not isinstance(habits.shapes, Absent)
    for shape in habits.shapes
)


@dataclass(frozen=True, slots=True)
class Recognition:
    """Who sent a request, by the provider's code, or None where nothing tells; and the step in plain words."""

    dialect: str | None
    step: str


def recognize(facts: RequestFacts) -> Recognition:
    """Return sender and step. Never raises: whatever comes in has a label."""
    expression = _parameters(facts.query).get("filter", [""])[0]
    return Recognition(_sender(facts), step_label(facts.method, facts.path, expression, facts.body))


def shows(facts: RequestFacts, shape: RequestShape) -> bool:
    """Say whether a request shows all of a shape."""
    if facts.body is None and (shape.schema or shape.body or shape.operation):
        return False
    return (
        _fits(shape.target, f"{facts.path}?{facts.query}" if facts.query else facts.path)
        and _fits(shape.content_type, facts.content_type)
        and _fits(shape.accept_charset, facts.accept_charset)
        and _has_parameters(facts.query, shape.parameters)
        and (not shape.schema or any(_is_text(shape.schema, one) for one in _list(facts.body, "/schemas")))
        and _has_texts(facts.body, shape.body)
        and (not shape.operation or any(_has_texts(one, shape.operation) for one in _list(facts.body, "/Operations")))
    )


def _sender(facts: RequestFacts) -> str | None:
    by_shape = (code for shape, code in SHAPES if shows(facts, shape))
    return _named(facts.user_agent) or next(by_shape, None)


@lru_cache(maxsize=256)
def _named(user_agent: str) -> str | None:
    named = user_agent.casefold()
    return next((code for mark, code in USER_AGENTS if mark in named), None)


@lru_cache(maxsize=64)
def _parameters(query: str) -> Mapping[str, Sequence[str]]:
    """Return the parameters of a query string; each shape asks for those of the same one."""
    return parse_qs(query)


def _has_parameters(query: str, expected: Mapping[str, str]) -> bool:
    if not expected:
        return True
    found = {name: values[0] for name, values in _parameters(query).items() if len(values) == 1}
    return all(_is_text(expression, found.get(name)) for name, expression in expected.items())


def _has_texts(document: object, expected: Mapping[str, str] | Mapping[str, str | None]) -> bool:
    found = ((read(document, pointer), expression) for pointer, expression in expected.items())
    return all(text is None if expression is None else _is_text(expression, text) for text, expression in found)


def _is_text(expression: str, found: object) -> bool:
    return isinstance(found, str) and _pattern(expression).fullmatch(found) is not None


@lru_cache(maxsize=256)
def _pattern(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.DOTALL)


def _fits(expression: str, found: str) -> bool:
    return not expression or _is_text(expression, found)


def _list(document: object, pointer: str) -> list[object]:
    found = read(document, pointer)
    return found if isinstance(found, list) else []
