"""How many users and groups a directory has: PostgreSQL keeps the numbers, whatever statement changes the rows."""

import pytest
from django.db import connection, transaction

from scim.directories import queries
from scim.directories.models import Directory, DirectoryCount
from scim.groups.models import DirectoryGroup
from scim.users.models import DirectoryUser
from tests.scim.bodies import group_body, user_body

TABLES = {"users": DirectoryUser, "groups": DirectoryGroup}


@pytest.fixture
def people(scim):
    """Three users and a group."""
    for name in ("a", "b", "c"):
        scim.post("/Users", user_body(f"{name}@acme.example", externalId=name))
    scim.post("/Groups", group_body("Engineering"))
    return scim.directory


def assert_kept(directory: Directory) -> None:
    for kind, model in TABLES.items():
        held = queries.kept_count(org_id=directory.org_id, directory_id=directory.pk, kind=kind)
        assert held == (
            model.objects.filter(directory=directory).count() if connection.vendor == "postgresql" else None
        )


def test_count_is_kept_by_services(scim, people):
    scim.delete(f"/Users/{DirectoryUser.objects.filter(directory=people, is_listed=False)[0].public_id}")
    scim.delete(f"/Groups/{DirectoryGroup.objects.get(directory=people).public_id}")
    assert_kept(people)


def test_count_is_kept_by_a_cascade(people):
    DirectoryUser.objects.filter(directory=people, is_listed=False).first().membership.directory_users.all().delete()
    assert_kept(people)


def test_count_returns_to_what_it_was_by_a_rollback(people):
    with transaction.atomic():
        DirectoryUser.objects.filter(directory=people).delete()
        transaction.set_rollback(True)
    assert_kept(people)


def test_count_of_one_directory_says_nothing_of_another(people):
    assert_kept(Directory.objects.create(org=people.org))
    assert_kept(people)


@pytest.mark.postgres
@pytest.mark.django_db
def test_changes_are_summed_up_now_and_then(scim):
    with connection.cursor() as cursor:
        # what the trigger draws in this connection is the same each time
        cursor.execute("SELECT setseed(0.5)")
    for number in range(150):
        scim.post("/Groups", group_body(f"Group {number}"))
    assert DirectoryCount.objects.filter(directory=scim.directory, kind="groups").count() < 150
    assert_kept(scim.directory)


def test_directory_with_users_is_deleted_with_its_counts(people):
    with transaction.atomic():
        people.org.directories.filter(pk=people.pk).delete()
    assert not DirectoryCount.objects.filter(directory_id=people.pk).exists()
