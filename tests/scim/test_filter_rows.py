"""Filters find the same rows on every database as an evaluation in Python finds among the answered resources."""

from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scim.directories.models import Directory
from scim.groups import queries as groups
from scim.protocol.filters import And, AttributePath, Comparison, Not, Operator, Or, Present, ValuePath, parse
from scim.protocol.queryable import GROUPS, USERS
from scim.protocol.resolution import read_filter
from scim.protocol.schemas import ENTERPRISE
from scim.users import queries as users
from tests.conftest import ScimClient
from tests.scim.bodies import group_body, user_body
from tests.scim.evaluation import matches
from tests.scim.protocol.test_filters import written

WORDS = [
    "Nora",
    "nora",
    "Ola",
    "STRASSE",
    "straße",
    "①",
    "1",
    "Å",
    "å",
    "a%b",
    "a_b",
    "a\\b",
    'a"b',
    "x y",
    " x",
    "é",
    "é",
]
TYPES = ["work", "Work", "home", "other"]
TEXT_NAMES = ["userName", "displayName", "title", "externalId", "name.familyName", "name.givenName", "profileUrl", "id"]
ENTERPRISE_NAMES = ["employeeNumber", "department", "manager.value"]
LISTS = {
    "emails": ["value", "type", "display"],
    "phoneNumbers": ["value", "type"],
    "addresses": ["locality", "country", "type"],
    "photos": ["type", "display"],
    "groups": ["value", "display", "type"],
}
TEXT_OPERATORS = st.sampled_from(Operator)
EQUALITY = st.sampled_from([Operator.EQ, Operator.NE])
texts = st.sampled_from(WORDS) | st.text(max_size=3).filter(lambda text: "\0" not in text and text.isprintable())


def person(some: Random, place: int) -> dict[str, Any]:
    """A user of whom anything may be missing, and everything may be unusual."""

    def text() -> str:
        return some.choice([*WORDS, chr(some.randrange(0xA0, 0x2FFF)) + some.choice(WORDS)])

    def several(*names: str) -> list[dict[str, Any]]:
        values = [{name: text() for name in names if some.random() < 0.7} for _ in range(some.randrange(1, 4))]
        return [value | {"type": some.choice(TYPES), "primary": some.random() < 0.3} for value in values]

    body = {
        "externalId": f"{some.choice('xXø')}{place}",
        "displayName": text(),
        "title": text(),
        "active": some.random() < 0.5,
        "profileUrl": some.choice(["https://a.example/A", "https://a.example/a"]),
        "name": {"familyName": text(), "givenName": text()},
        "emails": [*several("value", "display"), {"value": f"{some.choice('aB')}{place}@acme.example"}],
        "phoneNumbers": several("value"),
        "addresses": several("locality", "country"),
        "photos": several("value", "display"),
        ENTERPRISE: {"employeeNumber": text(), "department": text(), "manager": {"value": text()}},
    }
    kept = {name: value for name, value in body.items() if some.random() < 0.6}
    return {"userName": f"{some.choice('pPq')}{place}@acme.example", "schemas": user_body()["schemas"]} | kept


def path(name: str) -> AttributePath:
    return AttributePath(None, *name.split("."))


def within(subs: list[str]) -> st.SearchStrategy[Any]:
    leaves = st.builds(Comparison, st.sampled_from(subs).map(path), TEXT_OPERATORS, texts | st.sampled_from(TYPES))
    primary = st.builds(Comparison, st.just(path("primary")), EQUALITY, st.booleans())
    return nested(leaves | primary | st.builds(Present, st.sampled_from([*subs, "primary"]).map(path)), 3)


def nested(leaves: st.SearchStrategy[Any], most: int) -> st.SearchStrategy[Any]:
    def joined(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        terms = st.lists(inner, min_size=2, max_size=3).map(tuple)
        return st.builds(And, terms) | st.builds(Or, terms) | st.builds(Not, inner)

    return st.recursive(leaves, joined, max_leaves=most)


def list_terms(name: str) -> st.SearchStrategy[Any]:
    subs = [sub for sub in LISTS[name] if name != "photos" or sub != "value"]
    values = texts | st.sampled_from([*TYPES, "A1@acme.example", "b2@", "direct"])
    whole = st.builds(Present, st.just(path(name)))
    sub = st.builds(Comparison, st.sampled_from([f"{name}.{one}" for one in subs]).map(path), TEXT_OPERATORS, values)
    has = st.builds(Present, st.sampled_from([f"{name}.{one}" for one in subs]).map(path))
    inside = within(subs) if name != "groups" else nested(sub_of_group(), 2)
    return whole | sub | has | st.builds(ValuePath, st.just(path(name)), inside)


def sub_of_group() -> st.SearchStrategy[Any]:
    return st.builds(Comparison, st.sampled_from(LISTS["groups"]).map(path), TEXT_OPERATORS, texts)


NAMES = st.sampled_from(TEXT_NAMES).map(path) | st.sampled_from(
    [AttributePath(ENTERPRISE, *name.split(".")) for name in ENTERPRISE_NAMES]
)
MOMENTS = st.sampled_from(["2020-01-01T00:00:00Z", "2999-01-01", "1999-12-31T23:59:59.999+05:00"])
MOMENT_OPERATORS = st.sampled_from([op for op in Operator if op not in {Operator.CO, Operator.SW, Operator.EW}])
TERMS = (
    st.builds(Comparison, NAMES, TEXT_OPERATORS, texts | st.sampled_from(["", "x1", "https://a.example/A"]))
    | st.builds(Comparison, NAMES, EQUALITY, st.none())
    | st.builds(Present, NAMES | st.sampled_from(["name", "active", "emails", "meta"]).map(path))
    | st.builds(Comparison, st.just(path("active")), EQUALITY, st.booleans())
    | st.builds(Comparison, st.sampled_from(["meta.created", "meta.lastModified"]).map(path), MOMENT_OPERATORS, MOMENTS)
    | st.builds(Comparison, st.just(path("emails")), TEXT_OPERATORS, texts)
    | st.sampled_from([*LISTS]).flatmap(list_terms)
)
FILTERS = nested(TERMS, 4).map(written).filter(lambda text: len(text.encode()) < 900)
GROUP_NAMES = st.sampled_from(["displayName", "externalId", "id", "members.value", "members.type", "members"]).map(path)
GROUP_FILTERS = nested(
    st.builds(Comparison, GROUP_NAMES, TEXT_OPERATORS, texts | st.sampled_from(["Team ①", "user", "STRASSE"]))
    | st.builds(Present, GROUP_NAMES)
    | st.builds(
        ValuePath, st.just(path("members")), st.builds(Comparison, st.just(path("type")), TEXT_OPERATORS, texts)
    ),
    4,
).map(written)
HEALTH = [HealthCheck.function_scoped_fixture]


@pytest.fixture(params=[1, 2])
def resources(request: pytest.FixtureRequest, scim: ScimClient) -> dict[str, list[dict[str, Any]]]:
    """People and groups of all sorts, as they are answered."""
    some = Random(request.param)
    ids = []
    for place in range(14):
        made = scim.post("/Users", person(some, place))
        assert made.status_code == 201, made.content
        ids.append(made.json()["id"])
    for name in ["Team 1", "team é", "STRASSE"]:
        group = group_body(name, members=[{"value": one} for one in some.sample(ids, 3)])
        scim.post("/Groups", group | ({"externalId": name} if some.random() < 0.5 else {}))
    return {kind: scim.get(f"/{kind}?count=200").json()["Resources"] for kind in ("Users", "Groups")}


@settings(max_examples=120, suppress_health_check=HEALTH)
@given(text=FILTERS)
def test_filter_finds_the_users_that_an_evaluation_finds(
    resources: dict[str, list[dict[str, Any]]], acme_directory: Directory, text: str
) -> None:
    expected = {one["id"] for one in resources["Users"] if matches(parse(text), one)}
    assert {user.scim_id for user in users.search(acme_directory, read_filter(text, USERS))} == expected


@settings(max_examples=60, suppress_health_check=HEALTH)
@given(text=GROUP_FILTERS)
def test_filter_finds_the_groups_that_an_evaluation_finds(
    resources: dict[str, list[dict[str, Any]]], acme_directory: Directory, text: str
) -> None:
    expected = {one["id"] for one in resources["Groups"] if matches(parse(text), one)}
    assert {group.scim_id for group in groups.search(acme_directory, read_filter(text, GROUPS))} == expected
