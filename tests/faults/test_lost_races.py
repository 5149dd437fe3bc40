"""Who looks, and finds that another request was first by the time it writes: it answers with what is true then."""

from collections.abc import Callable
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from django.db import transaction

from orgs.base.clock import now
from orgs.tenancy.models import Membership
from scim.directories import services as directories
from scim.directories.models import Directory, ScimToken
from scim.groups.models import DirectoryGroup
from scim.requests.models import RefusedCalls, RequestLog
from scim.users.models import DirectoryUser, FormerDirectoryUser
from tests.conftest import ScimClient
from tests.factories import ACTOR, MembershipFactory, TokenFactory
from tests.faults.test_lock_order import elsewhere, wait_until_blocked
from tests.faults.test_races import call
from tests.scim.bodies import group_body, patch_body, user_body

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
HANK, ZOE = "hank@acme.example", "zoe@acme.example"


def after_waiting(act: Callable[[], Any], first: Callable[[], Any]) -> Any:
    """Return what comes of an act that waits for a transaction which has done something first."""
    begun = Event()
    with elsewhere(act, begun) as ended, transaction.atomic():
        first()
        begun.set()
        wait_until_blocked()
    return ended[0]


def replace(path: str, value: str) -> dict[str, Any]:
    return patch_body({"op": "replace", "path": path, "value": value})


def take_name(scim: ScimClient) -> None:
    directory = scim.directory
    DirectoryUser.objects.create(
        org=directory.org,
        directory=directory,
        membership=MembershipFactory(org=directory.org),
        user_name=HANK,
        user_name_key=HANK,
        created_at=now(),
        updated_at=now(),
    )


def test_create_answers_409_when_another_request_takes_the_user_name_first(scim: ScimClient) -> None:
    status = after_waiting(call(scim, "POST", "/Users", user_body(HANK)), lambda: take_name(scim))
    assert status == 409
    assert DirectoryUser.objects.filter(user_name_key=HANK).count() == 1


def test_patch_answers_409_when_another_request_takes_the_user_name_first(scim: ScimClient) -> None:
    zoe = scim.post("/Users", user_body(ZOE)).json()["id"]
    request = call(scim, "PATCH", f"/Users/{zoe}", replace("userName", HANK))
    assert after_waiting(request, lambda: take_name(scim)) == 409
    assert DirectoryUser.objects.get(public_id=zoe).user_name == ZOE


def test_patch_of_a_group_answers_409_when_another_request_takes_the_external_id_first(scim: ScimClient) -> None:
    one, other = (scim.post("/Groups", group_body(name)).json()["id"] for name in ("Sales", "Support"))
    request = call(scim, "PATCH", f"/Groups/{one}", replace("externalId", "g-1"))

    def take() -> None:
        DirectoryGroup.objects.filter(public_id=other).update(external_id="g-1", external_id_key="g-1")

    assert after_waiting(request, take) == 409
    assert DirectoryGroup.objects.get(public_id=one).external_id == ""


@pytest.fixture
def former_hank(scim: ScimClient) -> Membership:
    """A member whom the directory has deleted under the externalId `hank`."""
    user = scim.post("/Users", user_body(HANK, externalId="hank")).json()["id"]
    Membership.objects.filter(email=HANK).update(last_sign_in_at=now())
    scim.delete(f"/Users/{user}")
    return Membership.objects.get(email=HANK)


def test_create_makes_a_new_member_when_another_request_uses_the_external_id_first(
    scim: ScimClient, former_hank
) -> None:
    request = call(scim, "POST", "/Users", user_body(HANK, externalId="hank"))
    assert after_waiting(request, FormerDirectoryUser.objects.all().delete) == 201
    assert Membership.objects.filter(email=HANK, deprovisioned_at=None).exclude(pk=former_hank.pk).count() == 1


def test_create_makes_a_new_member_when_the_holder_of_the_address_is_renamed_first(
    scim: ScimClient, former_hank
) -> None:
    holder = MembershipFactory(org=scim.directory.org, email=ZOE)

    def rename() -> None:
        FormerDirectoryUser.objects.all().delete()
        holder.addresses.update(address="z@acme.example", address_key="z@acme.example")
        Membership.objects.filter(pk=holder.pk).update(email="z@acme.example", email_key="z@acme.example")

    assert after_waiting(call(scim, "POST", "/Users", user_body(ZOE, externalId="hank")), rename) == 201
    assert Membership.objects.get(email=ZOE).pk not in (holder.pk, former_hank.pk)


def test_create_makes_a_new_member_when_the_holder_of_the_address_is_removed_first(scim: ScimClient) -> None:
    holder = MembershipFactory(org=scim.directory.org, email=ZOE)
    remove = Membership.objects.filter(pk=holder.pk).delete
    assert after_waiting(call(scim, "POST", "/Users", user_body(ZOE)), remove) == 201
    assert Membership.objects.get(email=ZOE).pk != holder.pk


def test_refused_use_is_told_once_when_two_workers_look_at_once(acme_directory: Directory, olga) -> None:
    token = TokenFactory(directory=acme_directory).token
    directories.revoke_token(token=token, actor=ACTOR)
    ScimToken.objects.update(refused_at=now(), refused_ip="198.51.100.4")
    assert after_waiting(directories.plan_notices, lambda: ScimToken.objects.update(alerted_at=now())) == 0


def test_streak_is_told_once_when_two_workers_look_at_once(scim: ScimClient, olga) -> None:
    scim.get("/Users")
    RequestLog.objects.update(at=now() - timedelta(hours=2))
    RefusedCalls.objects.create(
        org=scim.directory.org, directory=scim.directory, minute=now(), at=now(), status=401, cause="Unknown", count=20
    )
    assert after_waiting(directories.plan_notices, lambda: Directory.objects.update(alerted_at=now())) == 0
