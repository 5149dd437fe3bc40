"""Compiled statements: they give what the queryset gives, from whichever database the tests run on."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from orgs.base.clock import now
from orgs.base.statements import Rows, Statement, moment, number, text, uuid
from orgs.tenancy.models import Membership, Organization
from tests.factories import MembershipFactory


@pytest.fixture
def members(acme):
    return [MembershipFactory(org=acme, email=f"{name}@acme.example") for name in ("nora", "omar", "pia")]


def facts(memberships) -> list[dict[str, object]]:
    return [{field.attname: getattr(one, field.attname) for field in Membership._meta.fields} for one in memberships]


def in_org() -> QuerySet[Membership]:
    return Membership.objects.filter(org_id=number("org")).order_by("id")


def test_all_returns_the_instances_of_the_queryset(acme, members):
    assert facts(Statement(in_org).all(org=acme.pk)) == facts(Membership.objects.filter(org=acme).order_by("id"))


def test_select_related_comes_with_the_instances(acme, members, django_assert_num_queries):
    statement = Statement(lambda: in_org().select_related("org", "user"))
    with django_assert_num_queries(1):
        assert {one.org.slug for one in statement.all(org=acme.pk)} == {"acme"}


def test_a_relation_that_leads_nowhere_is_none(acme, members):
    Membership.objects.filter(pk=members[0].pk).update(user=None, state="invited")
    statement = Statement(lambda: Membership.objects.filter(pk=number("pk")).select_related("user"))
    assert statement.first(pk=members[0].pk).user is None


def test_values_list_returns_tuples(acme, members):
    statement = Statement(lambda: in_org().values_list("pk", "public_id"))
    assert statement.all(org=acme.pk) == list(
        Membership.objects.filter(org=acme).order_by("id").values_list("pk", "public_id")
    )


def test_annotations_come_as_values(acme, members):
    own = Membership.objects.filter(org=OuterRef("pk"), email_key=text("key"))
    statement = Statement(
        lambda: (
            Organization.objects.filter(pk=number("org"))
            .order_by()
            .annotate(is_known=Exists(own), member=Subquery(own.values("pk")[:1]))
            .values_list("is_known", "member")
        )
    )
    assert statement.first(org=acme.pk, key="nora@acme.example") == (True, members[0].pk)
    assert statement.first(org=acme.pk, key="nobody@acme.example") == (False, None)


def test_shared_rows_are_read_in_a_transaction_only(acme, members):
    statement = Statement(in_org, is_shared=True)
    assert len(statement.all(org=acme.pk)) == 4


@pytest.mark.django_db(transaction=True)
def test_shared_rows_outside_of_a_transaction_are_refused():
    with pytest.raises(TransactionManagementError):
        Statement(in_org, is_shared=True).all(org=0)


@dataclass(frozen=True, slots=True)
class Row:
    pk: int
    public_id: UUID
    created_at: datetime


def rows_in_org() -> QuerySet[Membership]:
    return in_org().values_list("pk", "public_id", "created_at")


def test_rows_become_what_they_are_given_to(acme, members):
    expected = [Row(*row) for row in rows_in_org_of(acme)]
    assert Rows(Row, rows_in_org).all(org=acme.pk) == expected
    assert Rows(Row, rows_in_org).first(org=acme.pk) == expected[0]


def rows_in_org_of(org) -> QuerySet[Membership]:
    return Membership.objects.filter(org=org).order_by("id").values_list("pk", "public_id", "created_at")


def test_first_row_is_none_where_there_is_nothing(db):
    assert Rows(Row, rows_in_org).first(org=0) is None


@pytest.mark.postgres
def test_postgresql_prepares_the_statement_of_rows_once(acme, members):
    statement = Rows(Row, rows_in_org)
    for _ in range(3):
        statement.all(org=acme.pk)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%orgs_membership%%'")
        assert cursor.fetchone() == (1,)


def test_first_returns_none_where_there_is_nothing(db):
    assert Statement(in_org).first(org=0) is None


def test_each_kind_of_parameter_is_sent_as_its_column_stores_it(members):
    nora = members[0]
    statement = Statement(
        lambda: Membership.objects.filter(public_id=uuid("id"), email_key=text("key"), created_at__lte=moment("now"))
    )
    assert statement.first(id=nora.public_id, key="nora@acme.example", now=now()) == nora
    assert statement.first(id=nora.public_id, key="omar@acme.example", now=now()) is None


def test_parameters_stand_in_a_list_of_values(members):
    statement = Statement(lambda: Membership.objects.filter(email_key__in=[text("one"), text("two")]).order_by("id"))
    assert statement.all(one="nora@acme.example", two="pia@acme.example") == [members[0], members[2]]


def test_a_statement_is_compiled_once(acme, members):
    built = []

    def build() -> QuerySet[Membership]:
        built.append(1)
        return in_org()

    statement = Statement(build)
    assert statement.all(org=acme.pk) == statement.all(org=acme.pk)
    assert built == [1]


def test_what_is_given_never_becomes_part_of_the_statement(acme, members):
    statement = Statement(lambda: in_org().filter(email_key=text("key")))
    with CaptureQueriesContext(connection) as captured:
        assert statement.all(org=acme.pk, key="' OR '1'='1") == []
    assert len(captured) == 1


@pytest.mark.django_db(transaction=True)
def test_a_lock_outside_of_a_transaction_is_refused():
    statement = Statement(lambda: in_org().select_for_update())
    with transaction.atomic():
        assert statement.all(org=0) == []
    with pytest.raises(TransactionManagementError):
        statement.all(org=0)
