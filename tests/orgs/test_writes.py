"""Compiled writes: rows, columns and counts are those that the models' managers would write."""

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Case, CharField, Exists, OuterRef, Value, When

from orgs.base.statements import number, text
from orgs.base.writes import Delete, Insert, Update
from orgs.tenancy.models import Membership, RoleGrant, Suspension
from orgs.tenancy.types import SuspensionSource
from tests.factories import MembershipFactory

SUSPENSIONS = Insert(Suspension)
PRESENT_OR_NEW = Insert(Suspension, ignore_conflicts=True)
OF_MEMBERSHIP = Update(lambda: Membership.objects.filter(pk=number("pk")))
LIFT = Delete(lambda: Suspension.objects.filter(membership_id=number("membership"), source=text("source")))


def suspension(membership: Membership, source: SuspensionSource = SuspensionSource.ADMIN) -> Suspension:
    return Suspension(org_id=membership.org_id, membership=membership, source=source, reason="Left")


def test_insert_sets_key_and_automatic_times(uma):
    row = suspension(uma)
    assert SUSPENSIONS.one(row)
    stored = Suspension.objects.get(pk=row.pk)
    assert (stored.reason, stored.created_at) == ("Left", row.created_at)


def test_insert_of_several_rows_sets_the_key_of_each(uma, gil):
    rows = [suspension(uma), suspension(gil), suspension(gil, SuspensionSource.SCIM)]
    assert SUSPENSIONS.all(rows) == 3
    assert [Suspension.objects.get(pk=row.pk).membership_id for row in rows] == [uma.pk, gil.pk, gil.pk]


def test_insert_of_no_row_asks_nothing(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert SUSPENSIONS.all([]) == 0


def test_insert_of_a_row_that_is_there_raises(uma):
    SUSPENSIONS.one(suspension(uma))
    with pytest.raises(IntegrityError), transaction.atomic():
        SUSPENSIONS.one(suspension(uma))


def test_insert_that_ignores_conflicts_says_that_the_row_was_there(uma):
    assert PRESENT_OR_NEW.one(suspension(uma))
    assert not PRESENT_OR_NEW.one(suspension(uma))
    assert Suspension.objects.count() == 1


def test_insert_then_save_updates_the_row(uma):
    row = suspension(uma)
    SUSPENSIONS.one(row)
    row.reason = "Back soon"
    row.save()
    assert Suspension.objects.get().reason == "Back soon"


def test_update_sets_the_columns_given_and_no_others(uma):
    assert OF_MEMBERSHIP.run({"given_name": "Uma", "last_sign_in_at": None}, pk=uma.pk) == 1
    assert OF_MEMBERSHIP.run({"user_id": None, "state": "invited"}, pk=uma.pk) == 1
    stored = Membership.objects.get(pk=uma.pk)
    assert (stored.given_name, stored.user_id, stored.email) == ("Uma", None, uma.email)


def test_update_without_such_a_row_returns_zero(db):
    assert OF_MEMBERSHIP.run({"given_name": "Uma"}, pk=0) == 0


def test_update_returns_the_value_that_the_database_computes(uma):
    held = Exists(Suspension.objects.filter(membership=OuterRef("pk")))
    state = Update(
        lambda: Membership.objects.filter(pk=number("pk")),
        computed=lambda: {
            "state": Case(When(held, then=Value("suspended")), default=Value("active"), output_field=CharField())
        },
        returning="state",
    )
    assert state.value(pk=uma.pk) == "active"
    SUSPENSIONS.one(suspension(uma))
    assert state.value(pk=uma.pk) == "suspended"
    assert state.value(pk=0) is None


def test_delete_returns_how_many_rows_there_were(uma):
    SUSPENSIONS.all([suspension(uma), suspension(uma, SuspensionSource.SCIM)])
    assert LIFT.run(membership=uma.pk, source=SuspensionSource.SCIM) == 1
    assert LIFT.run(membership=uma.pk, source=SuspensionSource.SCIM) == 0
    assert Suspension.objects.get().source == SuspensionSource.ADMIN


def test_delete_of_rows_that_others_refer_to_is_refused(uma):
    with pytest.raises(TypeError):
        Delete(lambda: Membership.objects.filter(pk=number("pk"))).run(pk=uma.pk)


def test_writes_of_another_table_are_compiled_apart(acme):
    member = MembershipFactory(org=acme, email="new@acme.example")
    grants = Update(lambda: RoleGrant.objects.filter(membership_id=number("membership")))
    assert grants.run({"reference": "x"}, membership=member.pk) == RoleGrant.objects.filter(reference="x").count()
