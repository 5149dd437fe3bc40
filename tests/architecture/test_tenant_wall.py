"""Rows of one organization never lead to another's: by the schema where it can, by a walk where it can't."""

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.models import Model, UniqueConstraint

from orgs.base.tenant_keys import TenantForeignKey
from orgs.tenancy.models import RoleGrant
from orgs.tenancy.types import GrantSource, Role
from tests.architecture.tenant_walk import assert_rows_stay_in_their_organization, tenant_models, tenant_parents

WITHOUT_ORG = {"orgs.User", "orgs.AddressVerification", "orgs.Organization", "orgs.CacheEntry", "orgs.Heartbeat"}
LINKS = [(model, name) for model in tenant_models() for name in tenant_parents(model)]
PARENTS = {model._meta.get_field(name).related_model for model, name in LINKS}


def named(model: type[Model]) -> str:
    return model._meta.label


def walls() -> dict[tuple[str, str], TenantForeignKey]:
    """Return the composite keys that the migrations make, by model and field."""
    migrations = MigrationLoader(None).disk_migrations.values()
    found = ((m.app_label, step) for m in migrations for step in m.operations if isinstance(step, TenantForeignKey))
    return {(f"{app}.{step.model}".lower(), step.field): step for app, step in found}


def stray_grant(org, membership) -> RoleGrant:
    return RoleGrant.objects.create(
        org=org, membership=membership, role=Role.ADMIN, source=GrantSource.PERSON, reference="stray"
    )


def test_tables_have_an_organization_except_those_listed():
    ours = {model for app in ("orgs", "sso", "scim") for model in apps.get_app_config(app).get_models()}
    assert {named(model) for model in ours.difference(tenant_models())} == WITHOUT_ORG


@pytest.mark.parametrize(("model", "name"), LINKS, ids=lambda part: part if isinstance(part, str) else named(part))
def test_foreign_keys_between_tenant_tables_have_a_composite_key(model, name):
    assert (model._meta.label_lower, name) in walls()


@pytest.mark.parametrize("parent", sorted(PARENTS, key=named), ids=named)
def test_parent_tables_have_a_unique_constraint_on_organization_and_id(parent):
    fields = [one.fields for one in parent._meta.constraints if isinstance(one, UniqueConstraint) and not one.condition]
    assert ("org", "id") in fields


@pytest.mark.postgres
@pytest.mark.django_db
def test_postgresql_has_every_composite_key():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE contype = 'f' AND condeferred AND cardinality(conkey) = 2"
        )
        held = {name for (name,) in cursor.fetchall()}
    assert {wall.constraint for wall in walls().values()} == held


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_postgresql_refuses_a_row_that_refers_to_another_organizations_row(acme, greta):
    with pytest.raises(IntegrityError, match="tenant_rolegrant_membership"), transaction.atomic():
        stray_grant(acme, greta)


def test_assert_rows_stay_in_their_organization_fails_for_a_row_of_another_organization(acme, greta):
    stray = stray_grant(acme, greta)
    with pytest.raises(AssertionError, match=r"RoleGrant\.membership"):
        assert_rows_stay_in_their_organization()
    stray.delete()


def test_assert_rows_stay_in_their_organization_passes_for_the_fixtures(adam, greta, acme_token):
    assert_rows_stay_in_their_organization()
