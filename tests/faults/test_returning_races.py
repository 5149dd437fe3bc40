"""Parallel requests about one address and one externalId: one person has it, whoever comes first."""

from collections import Counter
from uuid import uuid4

import pytest

from orgs.tenancy import access
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Membership
from orgs.tenancy.types import SignInMethod
from portal.setup import add_domain
from scim.users.models import DirectoryUser
from tests.conftest import ScimClient
from tests.factories import ACTOR
from tests.faults.test_races import all_at_once, call
from tests.scim.bodies import user_body

pytestmark = pytest.mark.django_db(transaction=True)
HANK = "hank@acme.example"


@pytest.fixture
def deleted_hank(acme, scim: ScimClient) -> Membership:
    """A member who signed in, and whom the directory then deleted."""
    add_domain(org=acme, name="acme.example", verified=True, actor=ACTOR)
    made = scim.post("/Users", user_body(HANK, externalId="hank-1")).json()
    hank = acme.memberships.get(email=HANK)
    expires = access.session_expiry()
    tenancy.grant_session(membership=hank, session=uuid4(), method=SignInMethod.PASSWORD, expires_at=expires)
    assert scim.delete(f"/Users/{made['id']}").status_code == 204
    return hank


def holders(org) -> list[Membership]:
    return list(org.memberships.filter(email_key=HANK, deprovisioned_at=None))


def test_concurrent_creates_give_a_freed_address_to_one_new_person(scim: ScimClient, acme, deleted_hank) -> None:
    bodies = [user_body(HANK, externalId=f"new-{place}") for place in range(8)]
    statuses = Counter(all_at_once([call(scim, "POST", "/Users", body) for body in bodies]))
    assert statuses == {201: 1, 409: 7}
    [holder] = holders(acme)
    assert holder.pk != deleted_hank.pk
    assert holder.user is not None
    assert holder.user_id != deleted_hank.user_id


def test_concurrent_creates_with_a_former_external_id_restore_the_membership_once(
    scim: ScimClient, acme, deleted_hank
) -> None:
    body = user_body(HANK, externalId="hank-1")
    statuses = Counter(all_at_once([call(scim, "POST", "/Users", body) for _ in range(8)]))
    assert statuses == {201: 1, 409: 7}
    [holder] = holders(acme)
    assert (holder.pk, holder.user_id) == (deleted_hank.pk, deleted_hank.user_id)
    assert DirectoryUser.objects.filter(membership=holder).count() == 1


def test_concurrent_creates_never_mix_a_returning_person_with_a_new_one(scim: ScimClient, acme, deleted_hank) -> None:
    bodies = [user_body(HANK, externalId=external_id) for external_id in ("hank-1", "new-1") * 4]
    statuses = Counter(all_at_once([call(scim, "POST", "/Users", body) for body in bodies]))
    assert statuses == {201: 1, 409: 7}
    [holder] = holders(acme)
    [user] = DirectoryUser.objects.filter(membership=holder)
    is_former = holder.pk == deleted_hank.pk
    assert user.external_id == ("hank-1" if is_former else "new-1")
    assert (holder.user_id == deleted_hank.user_id) is is_former
