"""Compiled writes: rows, columns and counts are those that the models' managers would write."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Case, CharField, Exists, Model, OuterRef, Value, When
from django.db.models.signals import post_delete

from orgs.base.clock import now
from orgs.base.statements import number, text
from orgs.base.writes import IGNORED, Delete, DeleteCascade, Insert, Update
from orgs.people.models import Invitation, InvitationLink
from orgs.tenancy.models import Membership, RoleGrant, Suspension, User
from orgs.tenancy.types import SuspensionSource
from sso.attempts.models import LoginAttempt
from tests.factories import MembershipFactory

SUSPENSIONS = Insert(Suspension)
PRESENT_OR_NEW = Insert(Suspension, on_conflict=IGNORED)
OF_MEMBERSHIP = Update(lambda: Membership.objects.filter(pk=number("pk")))
MEMBERSHIP = DeleteCascade(lambda: Membership.objects.filter(pk=number("pk")))
ACCOUNT = DeleteCascade(lambda: User.objects.filter(pk=number("pk")))
LIFT = Delete(lambda: Suspension.objects.filter(membership_id=number("membership"), source=text("source")))


@contextmanager
def listening_to(model: type[Model]) -> Iterator[None]:
    def listen(**_: object) -> None:
        """Do nothing."""

    post_delete.connect(listen, sender=model)
    try:
        yield
    finally:
        post_delete.disconnect(listen, sender=model)


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


def test_delete_cascade_deletes_what_refers_to_the_rows_and_nothing_else(uma, gil):
    for one in (uma, gil):
        SUSPENSIONS.one(suspension(one))
    assert MEMBERSHIP.run(pk=uma.pk) == 1
    assert not Membership.objects.filter(pk=uma.pk).exists()
    assert [row.membership_id for row in Suspension.objects.all()] == [gil.pk]


def test_delete_cascade_empties_what_may_be_empty(acme, uma):
    attempt = LoginAttempt.objects.create(org=acme, membership=uma, code="SSO-1", at=now(), connection_name="Okta")
    MEMBERSHIP.run(pk=uma.pk)
    attempt.refresh_from_db()
    assert attempt.membership_id is None


def test_delete_cascade_deletes_rows_that_refer_to_rows_that_refer(acme):
    link = InvitationLink.objects.create(
        org=acme,
        invitation=Invitation.objects.get_or_create(org=acme, membership=MembershipFactory(org=acme))[0],
        digest="d",
        address_key="a",
        expires_at=now(),
    )
    assert MEMBERSHIP.run(pk=link.invitation.membership_id) == 1
    assert not InvitationLink.objects.exists()


def test_delete_cascade_without_such_a_row_returns_zero(db):
    assert MEMBERSHIP.run(pk=0) == 0


@pytest.mark.postgres
def test_delete_cascade_is_one_statement(uma, django_assert_num_queries):
    MEMBERSHIP.run(pk=0)
    with django_assert_num_queries(1):
        MEMBERSHIP.run(pk=uma.pk)


@pytest.mark.django_db(transaction=True)
def test_delete_cascade_of_what_a_model_protects_raises(uma):
    with pytest.raises(IntegrityError), transaction.atomic():
        ACCOUNT.run(pk=uma.user_id)


def test_delete_cascade_is_refused_where_a_signal_waits_for_instances(db):
    with pytest.raises(TypeError, match="listens"), listening_to(Suspension):
        DeleteCascade(lambda: Membership.objects.filter(pk=number("pk"))).run(pk=0)
