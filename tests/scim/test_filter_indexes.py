"""Each filter that an identity provider sends is answered by an index."""

import re

import pytest
from django.db import connection

from orgs.base.clock import now
from orgs.groups.models import Group, GroupMember
from orgs.tenancy.models import Membership
from scim.directories.models import Directory
from scim.groups import queries as groups
from scim.groups.models import DirectoryGroup
from scim.protocol.queryable import GROUPS, USERS
from scim.protocol.resolution import read_filter
from scim.users import queries as users
from scim.users.models import DirectoryUser, DirectoryUserValue

pytestmark = pytest.mark.postgres
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
SENT_FOR_USERS = [
    ('userName eq "nora@acme.example"', "directory_user_name_once"),
    ('externalId eq "x1"', "directory_user_external_id_once"),
    ('id eq "5f6ab6a0-4c36-4c07-a243-7ff18143c8d0"', "public_id"),
    ('displayName eq "Nora Nilsen"', "directory_user_display_name"),
    ('emails.value eq "nora@acme.example"', "directory_user_value_lookup"),
    ('emails eq "nora@acme.example"', "directory_user_value_lookup"),
    ('emails[type eq "work"].value eq "nora@acme.example"', "directory_user_value_lookup"),
    ('emails[type eq "work" and value eq "nora@acme.example"]', "directory_user_value_lookup"),
    ('emails[primary eq true].value eq "nora@acme.example"', "directory_user_value_lookup"),
    ('phoneNumbers.value eq "tel:+47"', "directory_user_value_lookup"),
    (f'{ENTERPRISE}:employeeNumber eq "0815"', "directory_user_value_lookup"),
    ('userName eq "nora@acme.example" and active eq true', "directory_user_name_once"),
    ('userName eq "a" or userName eq "b"', "directory_user_name_once"),
    ('userName eq "a" or externalId eq "b"', "directory_user_external_id_once"),
]
SENT_FOR_GROUPS = [
    ('displayName eq "Engineering"', "group_name_once_per_directory"),
    ('externalId eq "g1"', "directory_group_external_id_once"),
    ('id eq "5f6ab6a0-4c36-4c07-a243-7ff18143c8d0"', "public_id"),
    ('id eq "5f6ab6a0-4c36-4c07-a243-7ff18143c8d0" and members eq "5f6ab6a0-4c36-4c07-a243-7ff18143c8d0"', "public_id"),
]


MANY = 3000


@pytest.fixture
def many(acme_directory: Directory) -> Directory:
    """So many users and groups that to read them all would be the wrong plan, beside another directory's."""
    scope = {"org_id": acme_directory.org_id, "directory_id": acme_directory.pk}
    times = {"created_at": now(), "updated_at": now()}
    memberships = Membership.objects.bulk_create(
        Membership(org_id=acme_directory.org_id, email=f"p{n}@x.example", email_key=f"p{n}@x.example")
        for n in range(MANY)
    )
    people = DirectoryUser.objects.bulk_create(
        DirectoryUser(
            **scope,
            **times,
            membership=membership,
            user_name_key=f"p{n}",
            external_id=f"x{n}",
            display_name_key=f"p{n}",
        )
        for n, membership in enumerate(memberships)
    )
    DirectoryUserValue.objects.bulk_create(
        DirectoryUserValue(**scope, directory_user=person, attribute=attribute, value_key=person.user_name_key)
        for attribute in ("emails", "phoneNumbers", "employeeNumber")
        for person in people
    )
    made = Group.objects.bulk_create(
        Group(org_id=acme_directory.org_id, directory=acme_directory.public_id, name_key=f"g{n}", source="scim")
        for n in range(MANY)
    )
    DirectoryGroup.objects.bulk_create(
        DirectoryGroup(**scope, **times, group=group, external_id=group.name_key) for group in made
    )
    GroupMember.objects.bulk_create(
        GroupMember(org_id=acme_directory.org_id, group=group, membership=membership)
        for group, membership in zip(made, memberships, strict=True)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return acme_directory


def is_by(index: str, plan: str) -> bool:
    """Say whether a plan uses the index, and reads no table whole that grows with the directory."""
    return index in plan and not re.search(r"Seq Scan on (scim_directory(user|group)|orgs_group)", plan)


def test_filters_that_providers_send_for_users_use_their_indexes(many: Directory) -> None:
    plans = [
        (text, users.search(many, read_filter(text, USERS)).order_by().explain(), index)
        for text, index in SENT_FOR_USERS
    ]
    assert [(text, plan) for text, plan, index in plans if not is_by(index, plan)] == []


def test_filters_that_providers_send_for_groups_use_their_indexes(many: Directory) -> None:
    plans = [
        (text, groups.search(many, read_filter(text, GROUPS)).order_by().explain(), index)
        for text, index in SENT_FOR_GROUPS
    ]
    assert [(text, plan) for text, plan, index in plans if not is_by(index, plan)] == []
