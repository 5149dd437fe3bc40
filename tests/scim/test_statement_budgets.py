"""How many statements a SCIM request takes, BEGIN and COMMIT counted; docs/performance.md says what each is."""

from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scim.requests.services import reads
from tests.scim.bodies import group_body, user_body


@pytest.fixture(autouse=True)
def buffered(monkeypatch):
    """Log rows of reads wait in the process, as they do where it serves."""
    monkeypatch.setattr(reads, "add", lambda row: None)


@pytest.fixture
def people(scim):
    """Three users, two of them in a group; and a token that was used before, as all but the first request find it."""
    made = [scim.post("/Users", user_body(f"{name}@acme.example", externalId=name)).json() for name in ("a", "b", "c")]
    members = [{"value": user["id"]} for user in made[:2]]
    group = scim.post("/Groups", group_body("Engineering", members=members)).json()
    scim.get("/Users")
    return made, group


def statements(scim, path: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        response = scim.get(path)
    assert response.status_code == 200
    # the driver keeps no text of a prepared one
    return [query["sql"] or "prepared" for query in captured.captured_queries]


def test_get_user_takes_two_statements(scim, people):
    assert len(statements(scim, f"/Users/{people[0][0]['id']}")) == 2


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "a@acme.example"',
        'userName eq "nobody@acme.example"',
        'externalId eq "a"',
        'emails.value eq "a@acme.example"',
        'emails eq "a@acme.example"',
        'urn:ietf:params:scim:schemas:core:2.0:User:userName eq "A@acme.example"',
    ],
)
def test_lookup_of_a_user_takes_two_statements(scim, people, text):
    assert len(statements(scim, f"/Users?filter={quote(text)}&startIndex=1&count=100")) == 2


def test_full_page_of_users_takes_three_statements(scim, people):
    assert len(statements(scim, "/Users?count=2")) == 3


@pytest.mark.parametrize("query", ["", "?startIndex=3&count=2", "?count=100"])
def test_last_page_of_users_takes_two_statements(scim, people, query):
    assert len(statements(scim, f"/Users{query}")) == 2


@pytest.mark.parametrize("query", ["", "?excludedAttributes=members"])
def test_get_group_takes_two_statements(scim, people, query):
    assert len(statements(scim, f"/Groups/{people[1]['id']}{query}")) == 2


@pytest.mark.parametrize("query", ["?filter=displayName+eq+%22engineering%22", "?excludedAttributes=members", ""])
def test_page_of_groups_takes_two_statements(scim, people, query):
    assert len(statements(scim, f"/Groups{query}")) == 2


def test_group_without_members_reads_none(scim, people):
    told: list[str] = []

    def note(execute, sql, *given):
        told.append(sql)
        return execute(sql, *given)

    with connection.execute_wrapper(note):
        scim.get(f"/Groups/{people[1]['id']}?excludedAttributes=members")
    assert "directorygroup" in told[1]
    assert "groupmember" not in told[1]


@pytest.mark.parametrize("path", ["/ServiceProviderConfig", "/Schemas", "/ResourceTypes"])
def test_discovery_takes_one_statement(scim, people, path):
    assert len(statements(scim, path)) == 1


@pytest.mark.parametrize("path", ["/Users", "/Groups"])
def test_read_opens_no_transaction(scim, people, path):
    assert not [sql for sql in statements(scim, path) if sql.startswith(("BEGIN", "COMMIT", "SAVEPOINT"))]


def test_page_says_the_total_of_all_and_a_lookup_that_of_what_it_found(scim, people):
    assert scim.get("/Users?count=2").json()["totalResults"] == 3
    assert scim.get("/Users?startIndex=3&count=2").json()["totalResults"] == 3
    assert scim.get("/Users?startIndex=9").json()["totalResults"] == 3
    assert scim.get("/Users?count=0").json()["totalResults"] == 3
    lookup = quote('userName eq "a@acme.example"')
    found = scim.get(f"/Users?count=0&filter={lookup}").json()
    assert (found["totalResults"], found["Resources"]) == (1, [])
