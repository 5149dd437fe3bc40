"""Lists of `/Users`: filters, pages, projections, and what they cost."""

from typing import Any
from urllib.parse import urlencode

import pytest

from scim.protocol.schemas import ENTERPRISE
from tests.conftest import ScimClient
from tests.scim.bodies import group_body, patch_body
from tests.scim.test_endpoint import assert_scim_error
from tests.scim.test_users import create

FILTERS = [
    ('userName eq "nora@acme.example"', 1),
    ('USERNAME EQ "NORA@ACME.EXAMPLE"', 1),
    ('urn:ietf:params:scim:schemas:core:2.0:User:userName eq "nora@acme.example"', 1),
    ('userName eq "nobody@acme.example"', 0),
    ('externalId eq "x1"', 1),
    ('externalId eq "X1"', 0),
    ('externalId eq ""', 0),
    ('displayName eq "nora nilsen"', 1),
    ('emails.value eq "Nora@acme.example"', 1),
    ('emails eq "nora@acme.example"', 1),
    ("active eq true", 2),
    ("active eq false", 0),
    ('active eq "True"', 2),
    ('userName eq "nora@acme.example" and active eq true', 1),
    ('userName eq "nora@acme.example" and active eq false', 0),
    ('userName eq "nora@acme.example" and externalId eq "x1" and displayName eq "Nora Nilsen"', 1),
    ('id eq "00000000-0000-0000-0000-000000000000"', 0),
    ('id eq "nonsense"', 0),
    ("", 2),
    (" ", 2),
    ('userName ne "nora@acme.example"', 1),
    ('userName co "NORA"', 1),
    ('userName sw "nora@" or userName ew "x"', 1),
    ("title pr", 0),
    ('not (userName sw "o")', 1),
    ('emails[type eq "work"]', 2),
    ('emails[type eq "work"].value eq "nora@acme.example"', 1),
    ('emails[type eq "work" and value co "@acme"]', 2),
    ('emails[type eq "home" and value co "@acme"]', 0),
    ('userName eq "ola@acme.example" or userName eq "nora@acme.example" and active eq false', 1),
    ('meta.created gt "2020-01-01"', 2),
    ('meta.lastModified lt "2020-01-01T00:00:00Z"', 0),
    ('meta.resourceType eq "User" and meta.version eq "W/\\"1\\""', 2),
    ('schemas eq "urn:ietf:params:scim:schemas:core:2.0:User"', 2),
    ('schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"', 1),
    ('urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq "0815"', 1),
    ('urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.employeeNumber eq "0815"', 1),
    ('EmployeeNumber eq "0815"', 1),
    ('manager eq "m1"', 1),
    ("groups pr", 0),
]


@pytest.mark.parametrize(("text", "count"), FILTERS)
def test_list_users_returns_only_users_that_the_filter_selects(scim: ScimClient, text: str, count: int) -> None:
    create(scim, externalId="x1")
    enterprise = {ENTERPRISE: {"employeeNumber": "0815", "manager": {"value": "m1"}}}
    create(scim, "ola@acme.example", displayName="Ola", **enterprise)
    response = scim.get("/Users?" + _query(filter=text))
    assert response.json()["totalResults"] == count == len(response.json()["Resources"])


@pytest.mark.parametrize(
    "text",
    [
        "userName",
        "userName eq 5",
        "active eq 5",
        'nosuch eq "x"',
        'userName eq "x',
        "(" * 2000,
        'userName eq "x" and nosuch eq "y"',
        'urn:other:userName eq "x"',
        'meta.created gt "yesterday"',
        'userName eq "\\ud800"',
        'password eq "x"',
        'emails[nosuch eq "x"]',
        'name eq "Nora"',
        "active gt true",
    ],
)
def test_list_users_with_an_unsupported_filter_returns_400(scim: ScimClient, text: str) -> None:
    create(scim)
    assert_scim_error(scim.get("/Users?" + _query(filter=text)), 400, "invalidFilter")


def test_list_users_ignores_a_trailing_ampersand_as_onelogin_sends(scim: ScimClient) -> None:
    create(scim)
    assert scim.get("/Users?filter=userName+eq+%22nora@acme.example%22&").json()["totalResults"] == 1


@pytest.mark.parametrize(
    ("query", "shown", "index"),
    [
        ("", 5, 1),
        ("count=2", 2, 1),
        ("startIndex=0&count=2", 2, 1),
        ("startIndex=-7", 5, 1),
        ("startIndex=5", 1, 5),
        ("startIndex=99", 0, 99),
        ("count=0", 0, 1),
        ("count=-1", 0, 1),
        ("count=9999999999999", 5, 1),
        ("startIndex=1&count=2", 2, 1),
    ],
)
def test_list_users_returns_the_requested_page(scim: ScimClient, query: str, shown: int, index: int) -> None:
    for place in range(5):
        create(scim, f"p{place}@acme.example")
    body = scim.get(f"/Users?{query}").json()
    assert (body["totalResults"], body["itemsPerPage"], len(body["Resources"]), body["startIndex"]) == (
        5,
        shown,
        shown,
        index,
    )


def test_list_users_with_a_count_that_is_no_number_returns_400(scim: ScimClient) -> None:
    assert_scim_error(scim.get("/Users?count=many"), 400, "invalidValue")


def test_list_users_pages_together_contain_everybody_once(scim: ScimClient) -> None:
    made = {create(scim, f"p{place}@acme.example")["id"] for place in range(5)}
    pages = [scim.get(f"/Users?startIndex={start}&count=2").json()["Resources"] for start in (1, 3, 5)]
    assert sorted(user["id"] for page in pages for user in page) == sorted(made)


def test_list_users_takes_the_same_number_of_queries_for_two_as_for_twenty(
    scim: ScimClient, django_assert_max_num_queries: Any
) -> None:
    ids = [create(scim, f"p{place}@acme.example")["id"] for place in range(20)]
    scim.post("/Groups", group_body(members=[{"value": user_id} for user_id in ids]))
    with django_assert_max_num_queries(12):
        scim.get("/Users?count=2")
    with django_assert_max_num_queries(12):
        assert len(scim.get("/Users").json()["Resources"]) == 20


def test_get_user_lists_the_groups_of_the_user(scim: ScimClient) -> None:
    made = create(scim)
    group = scim.post("/Groups", group_body(members=[{"value": made["id"]}])).json()
    [shown] = scim.get(f"/Users/{made['id']}").json()["groups"]
    assert (shown["value"], shown["display"], shown["$ref"]) == (group["id"], "Engineering", group["meta"]["location"])


@pytest.mark.parametrize(
    ("query", "absent", "present"),
    [
        ("attributes=userName", "name", "userName"),
        ("excludedAttributes=name", "name", "emails"),
        ("attributes=name.givenName", "userName", "name"),
    ],
)
def test_get_and_list_users_return_only_the_requested_attributes(
    scim: ScimClient, query: str, absent: str, present: str
) -> None:
    made = create(scim)
    for body in (scim.get(f"/Users/{made['id']}?{query}").json(), scim.get(f"/Users?{query}").json()["Resources"][0]):
        assert absent not in body
        assert present in body
        assert body["id"] == made["id"]


def test_list_users_with_attributes_and_excluded_attributes_returns_400(scim: ScimClient) -> None:
    create(scim)
    assert_scim_error(scim.get("/Users?attributes=userName&excludedAttributes=name"), 400, "invalidValue")


def test_patch_with_entras_email_path_creates_the_email_and_a_filter_finds_it(scim: ScimClient) -> None:
    made = create(scim, emails=None)
    operation = {"op": "Add", "path": 'emails[type eq "work"].value', "value": "new@acme.example"}
    assert scim.patch(f"/Users/{made['id']}", patch_body(operation)).json()["emails"] == [
        {"type": "work", "value": "new@acme.example"}
    ]
    assert scim.get("/Users?" + _query(filter='emails.value eq "new@acme.example"')).json()["totalResults"] == 1


def test_calls_about_a_user_deleted_at_once_are_labeled_as_connection_test(scim: ScimClient) -> None:
    from scim.requests.models import RequestLog

    scim.get("/Users?" + _query(filter='userName eq "nora@acme.example"'))
    scim.delete(f"/Users/{create(scim)['id']}")
    assert list(RequestLog.objects.values_list("is_connection_test", flat=True)) == [True, True, True]


def _query(**given: str) -> str:
    return urlencode(given)
