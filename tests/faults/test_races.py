"""Parallel requests on a real database: what must be unique stays unique, and nothing that was acknowledged is lost."""

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, connections, transaction
from django.test import Client

from orgs.audit import services as audit
from orgs.audit.models import AuditEvent
from orgs.audit.services import AuditTarget
from orgs.events.models import OutboxEvent
from orgs.groups.models import GroupMember
from orgs.people import services as people
from orgs.people.types import INVITATION_MAIL
from orgs.tenancy import queries as tenancy_queries
from orgs.tenancy.errors import LastOwner
from orgs.tenancy.models import Membership
from orgs.tenancy.types import GrantSource, Role, SuspensionSource
from scim.directories import services as directories
from scim.directories.models import ScimToken
from scim.directories.types import TokenOrder
from scim.users.models import DirectoryUser
from tests.conftest import ScimClient
from tests.factories import ACTOR
from tests.scim.bodies import group_body, patch_body, user_body

pytestmark = pytest.mark.django_db(transaction=True)


def all_at_once(acts: list[Callable[[], Any]]) -> list[Any]:
    """Run every act in a thread of its own, begun together; return what they returned or raised."""
    barrier = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        barrier.wait()
        try:
            return act()
        except Exception as error:  # noqa: BLE001 - the test looks at what was raised
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def call(scim: ScimClient, method: str, path: str, body: Any) -> Callable[[], int]:
    def act() -> int:
        return int(ScimClient(scim.directory, scim.token, Client())(method, path, json.dumps(body)).status_code)

    return act


def mixed_case(address: str, place: int) -> str:
    """Return the address with another choice of capitals for each place."""
    return "".join(letter.upper() if (place >> at % 5) & 1 else letter for at, letter in enumerate(address))


def test_concurrent_creates_of_one_user_name_create_one_user_and_return_409(scim: ScimClient) -> None:
    bodies = [user_body(mixed_case("nora@acme.example", place)) for place in range(16)]
    statuses = Counter(all_at_once([call(scim, "POST", "/Users", body) for body in bodies]))
    assert statuses == {201: 1, 409: 15}
    assert DirectoryUser.objects.count() == 1
    assert Membership.objects.filter(origins="scim").count() == 1
    assert AuditEvent.objects.filter(action="membership.created", target_label__iexact="nora@acme.example").count() == 1
    assert OutboxEvent.objects.filter(kind=INVITATION_MAIL).count() == 1


def test_concurrent_creates_of_one_group_name_create_one_group_and_return_409(scim: ScimClient) -> None:
    bodies = [group_body(mixed_case("engineering", place)) for place in range(16)]
    assert Counter(all_at_once([call(scim, "POST", "/Groups", body) for body in bodies])) == {201: 1, 409: 15}


def test_concurrent_member_patches_of_one_group_are_all_applied(scim: ScimClient) -> None:
    ids = [scim.post("/Users", user_body(f"p{place}@acme.example")).json()["id"] for place in range(50)]
    group = scim.post("/Groups", group_body()).json()["id"]
    patches = [patch_body({"op": "add", "path": "members", "value": [{"value": user}]}) for user in ids]
    statuses = all_at_once([call(scim, "PATCH", f"/Groups/{group}", body) for body in patches])
    assert Counter(statuses) == {200: 50}
    assert GroupMember.objects.count() == 50
    assert scim.get(f"/Groups/{group}").json()["meta"]["version"] == 'W/"51"'


def test_concurrent_adds_and_removals_of_members_are_all_applied(scim: ScimClient) -> None:
    ids = [scim.post("/Users", user_body(f"p{place}@acme.example")).json()["id"] for place in range(20)]
    group = scim.post("/Groups", group_body(members=[{"value": user} for user in ids[:10]])).json()["id"]
    adds = [patch_body({"op": "add", "path": "members", "value": [{"value": user}]}) for user in ids[10:]]
    removals = [patch_body({"op": "remove", "path": f'members[value eq "{user}"]'}) for user in ids[:10]]
    all_at_once([call(scim, "PATCH", f"/Groups/{group}", body) for body in adds + removals])
    members = {member["value"] for member in scim.get(f"/Groups/{group}").json()["members"]}
    assert members == set(ids[10:])


def test_concurrent_patches_of_one_user_are_all_applied(scim: ScimClient) -> None:
    user = scim.post("/Users", user_body()).json()["id"]
    names = ("title", "nickName", "locale", "timezone", "userType", "preferredLanguage")
    patches = [patch_body({"op": "replace", "path": name, "value": f"v-{name}"}) for name in names]
    all_at_once([call(scim, "PATCH", f"/Users/{user}", body) for body in patches])
    shown = scim.get(f"/Users/{user}").json()
    assert {name: shown[name] for name in names} == {name: f"v-{name}" for name in names}


def test_concurrent_suspensions_of_two_owners_leave_one_owner(acme: Any, olga: Membership, adam: Membership) -> None:
    people.grant_role(membership=adam, role=Role.OWNER, source=GrantSource.PERSON, actor=ACTOR)
    adam.refresh_from_db()
    acts = [
        lambda membership=membership: people.suspend_membership(
            membership=membership, source=SuspensionSource.ADMIN, actor=ACTOR
        )
        for membership in (olga, adam)
    ]
    outcomes = all_at_once(acts)
    assert sorted(type(outcome) for outcome in outcomes if outcome is not None) == [LastOwner]
    assert acme.memberships.filter(role=Role.OWNER, state="active").count() == 1


def test_concurrent_generate_token_calls_with_one_nonce_make_one_token(scim: ScimClient) -> None:
    from uuid import uuid4

    order = TokenOrder(label="JumpCloud", nonce=uuid4())
    made = all_at_once([lambda: directories.generate_token(directory=scim.directory, order=order, actor=ACTOR)] * 8)
    assert sum(one.plain is not None for one in made) == 1
    assert ScimToken.objects.filter(label="JumpCloud").count() == 1


def test_concurrent_deletes_of_one_user_succeed_once(scim: ScimClient) -> None:
    user = scim.post("/Users", user_body()).json()["id"]
    assert Counter(all_at_once([call(scim, "DELETE", f"/Users/{user}", None)] * 8)) == {204: 1, 404: 7}


def test_concurrent_drains_deliver_each_event_once(scim: ScimClient, mailoutbox: list[Any]) -> None:
    from orgs.events import services as outbox

    OutboxEvent.objects.all().delete()
    for place in range(6):
        outbox.add(org=scim.directory.org, kind="test.noted", key=str(place))
    all_at_once([outbox.deliver_due] * 4)
    assert Counter({str(place): 1 for place in range(6)}) == NOTED
    sequences = OutboxEvent.objects.values_list("sequence", flat=True)
    assert len(set(sequences)) == 6


NOTED: Counter[str] = Counter()


@pytest.fixture(autouse=True)
def noting_delivery() -> Any:
    from orgs.events import types

    NOTED.clear()
    types.delivers("test.noted")(lambda event: NOTED.update([event.key]))
    yield
    types._deliveries.pop("test.noted")


def test_concurrent_cache_adds_store_one_value():
    stored = all_at_once([lambda: cache.add("key", 1, 60)] * 8)
    assert sorted(stored) == [False] * 7 + [True]


def test_concurrent_cache_increments_are_all_counted():
    cache.set("number", 0, 60)
    assert sorted(all_at_once([lambda: cache.incr("number")] * 8)) == list(range(1, 9))


@pytest.mark.postgres
def test_lock_organization_does_not_block_the_commit_of_an_audit_event(acme):
    def act() -> str:
        with transaction.atomic(), connection.cursor() as cursor:
            # the reference to the organization is checked at the commit
            cursor.execute("SET LOCAL lock_timeout = '2s'")
            audit.record(org=acme, actor=ACTOR, action="thing.done", target=AuditTarget("thing", "1", "one"))
        return "committed"

    with transaction.atomic():
        tenancy_queries.lock_organization(acme.pk)
        assert all_at_once([act]) == ["committed"]
