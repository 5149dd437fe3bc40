"""What the writes of an identity provider ask of the database. BEGIN and COMMIT are counted; nothing needs a savepoint."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from orgs.base.clock import now
from portal.setup import add_domain
from scim.groups import views
from scim.groups.models import DirectoryGroup
from scim.users.models import DirectoryUser
from tests.factories import ACTOR
from tests.scim.bodies import group_body, patch_body, user_body

pytestmark = pytest.mark.django_db(transaction=True)
UMA, BOB = "uma@acme.example", "bob@acme.example"


@pytest.fixture(params=["verified", "unverified"])
def warm(request, acme, scim):
    """Acme's identity provider, whose token has opened its directory before; each statement was compiled once."""
    if request.param == "verified":
        add_domain(org=acme, name="acme.example", verified=True, actor=ACTOR)
    scim.post("/Users", user_body("first@acme.example", externalId="first"))
    return scim


@pytest.fixture
def uma(warm) -> str:
    return str(warm.post("/Users", user_body(UMA, externalId="uma")).json()["id"])


def replace(path: str, value: object) -> dict[str, Any]:
    return patch_body({"op": "replace", "path": path, "value": value})


# on SQLite the subject of a new log row is a statement of its own
SUBJECT = 0 if database.vendor == "postgresql" else 1


def asked(act: Callable[[], Any]) -> list[str]:
    """Return the statements of a request that succeeds."""
    with CaptureQueriesContext(database) as captured:
        response = act()
    assert response.status_code < 300
    statements = [query["sql"] or "prepared" for query in captured.captured_queries]
    assert [sql for sql in statements if "SAVEPOINT" in sql] == []
    return statements


def test_create_takes_at_most_18_statements(warm):
    assert len(asked(lambda: warm.post("/Users", user_body(UMA, externalId="uma")))) <= 18


def test_create_of_an_invited_member_takes_at_most_14_statements(acme, scim):
    scim.post("/Users", user_body("first@acme.example", externalId="first"))
    assert len(asked(lambda: scim.post("/Users", user_body(UMA, externalId="uma")))) <= 14 + SUBJECT


@pytest.mark.parametrize(("path", "value"), [("title", "Engineer"), ("name.givenName", "Uma"), ("displayName", "U")])
def test_patch_of_an_attribute_takes_at_most_9_statements(warm, uma, path, value):
    assert len(asked(lambda: warm.patch(f"/Users/{uma}", replace(path, value)))) <= 9


def test_patch_of_an_attribute_that_no_membership_shows_takes_at_most_7_statements(warm, uma):
    assert len(asked(lambda: warm.patch(f"/Users/{uma}", replace("title", "Engineer")))) <= 7


def test_put_takes_at_most_9_statements(warm, uma):
    body = user_body(UMA, externalId="uma", name={"givenName": "Uma", "familyName": "Ude"})
    assert len(asked(lambda: warm.put(f"/Users/{uma}", body))) <= 9


def test_deactivation_takes_at_most_12_statements(warm, uma):
    assert len(asked(lambda: warm.patch(f"/Users/{uma}", replace("active", value=False)))) <= 12


# where acts and mails that are planned aren't written in one statement
ONE_MORE = 0 if database.vendor == "postgresql" else 1


def test_reactivation_takes_at_most_12_statements(warm, uma):
    warm.patch(f"/Users/{uma}", replace("active", value=False))
    statements = asked(lambda: warm.patch(f"/Users/{uma}", replace("active", value=True)))
    is_invited = any("orgs_invitation" in sql for sql in statements)
    assert len(statements) <= 12 + (ONE_MORE if is_invited else 0)


def test_patch_of_nothing_writes_the_log_row_alone(warm, uma):
    statements = asked(lambda: warm.patch(f"/Users/{uma}", replace("active", value=True)))
    written = [sql for sql in statements if sql.startswith(("INSERT", "UPDATE", "DELETE"))]
    assert len(statements) <= 6
    assert [sql for sql in written if "scim_requestlog" not in sql] == []


def test_patch_of_nothing_bumps_no_version(warm, uma):
    before = warm.get(f"/Users/{uma}").json()["meta"]
    assert warm.patch(f"/Users/{uma}", replace("active", value=True)).json()["meta"] == before


@pytest.fixture
def delete(warm, uma):
    """Delete Uma as a directory does in its daily work: what was made just now is taken for a connection test."""

    def run() -> list[str]:
        DirectoryUser.objects.update(created_at=now() - timedelta(days=1))
        return asked(lambda: warm.delete(f"/Users/{uma}"))

    return run


# where a cascade isn't one statement there are as many as tables that refer to the rows
AS_MANY_AS_TABLES = 0 if database.vendor == "postgresql" else 24


def test_delete_of_a_member_whom_nobody_used_takes_at_most_16_statements(delete):
    assert len(delete()) <= 16 + AS_MANY_AS_TABLES


def test_delete_of_an_invited_member_takes_at_most_10_statements(acme, delete):
    is_invited = acme.memberships.filter(email=UMA, user=None).exists()
    assert len(delete()) <= (10 if is_invited else 16) + AS_MANY_AS_TABLES


def test_delete_of_a_used_member_takes_at_most_17_statements(acme, delete):
    acme.memberships.filter(email=UMA).update(last_sign_in_at=now())
    assert len(delete()) <= 17 + AS_MANY_AS_TABLES


def test_delete_of_a_member_of_a_group_takes_at_most_4_more(group, delete):
    assert len(delete()) <= 20 + AS_MANY_AS_TABLES


@pytest.fixture
def group(warm, uma) -> str:
    return str(warm.post("/Groups", group_body(members=[{"value": uma}])).json()["id"])


def test_create_of_a_group_takes_at_most_11_statements(warm, uma, group):
    body = group_body("Sales", members=[{"value": uma}])
    assert len(asked(lambda: warm.post("/Groups", body))) <= 11 + SUBJECT


def test_adding_a_member_takes_at_most_11_statements(warm, group):
    bob = warm.post("/Users", user_body(BOB)).json()["id"]
    body = patch_body({"op": "add", "path": "members", "value": [{"value": bob}]})
    assert len(asked(lambda: warm.patch(f"/Groups/{group}", body))) <= 11


def test_removing_a_member_takes_at_most_12_statements(warm, uma, group):
    body = patch_body({"op": "remove", "path": f'members[value eq "{uma}"]'})
    assert len(asked(lambda: warm.patch(f"/Groups/{group}", body))) <= 12


def test_renaming_a_group_takes_at_most_10_statements(warm, group):
    assert len(asked(lambda: warm.patch(f"/Groups/{group}", replace("displayName", "Sales")))) <= 10 + SUBJECT


def test_patch_of_a_large_group_answers_204_without_reading_its_members(warm, uma, group, monkeypatch):
    monkeypatch.setattr(views, "MOST_SHOWN", 0)
    response = warm.patch(f"/Groups/{group}", replace("displayName", "Sales"))
    assert (response.status_code, response.content) == (204, b"")
    assert response["Location"].endswith(f"/Groups/{group}")


@pytest.mark.parametrize("query", ["?attributes=displayName", "?attributes=members"])
def test_patch_of_a_large_group_answers_200_when_attributes_are_asked_for(warm, group, monkeypatch, query):
    monkeypatch.setattr(views, "MOST_SHOWN", 0)
    assert warm.patch(f"/Groups/{group}{query}", replace("displayName", "Sales")).status_code == 200


def test_deleting_a_group_takes_at_most_13_statements(warm, group):
    # one that was made just now is taken for a connection test, whose rows of the log are labeled
    DirectoryGroup.objects.update(created_at=now() - timedelta(days=1))
    assert len(asked(lambda: warm.delete(f"/Groups/{group}"))) <= 13
