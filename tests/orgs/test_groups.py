"""Groups take deltas, and say in the audit what changed."""

from uuid import uuid4

import pytest

from orgs.audit.models import AuditEvent
from orgs.groups import queries, services
from orgs.groups.forms import GroupSearchForm
from orgs.groups.models import Group, GroupMember
from orgs.groups.types import GroupNameTaken, GroupSource, GroupUnknown
from tests import held
from tests.factories import ACTOR, MembershipFactory

DIRECTORY, OTHER_DIRECTORY = uuid4(), uuid4()


def make(org, name="Engineering", source=GroupSource.SCIM, directory=None):
    return services.create_group(org=org, name=name, source=source, directory=directory, actor=ACTOR)


def add(group, *memberships):
    return len(services.add_members(group=group, memberships=memberships, actor=ACTOR))


def remove(group, *memberships):
    return len(services.remove_members(group=group, memberships=memberships, actor=ACTOR))


def rename(group, name):
    services.rename_group(group=group, name=name, actor=ACTOR)


def actions():
    return list(AuditEvent.objects.filter(target_kind="group").order_by("id").values_list("action", flat=True))


@pytest.fixture
def group(acme):
    return make(acme)


def test_create_group_raises_group_name_taken_in_any_case(acme, group):
    with pytest.raises(GroupNameTaken):
        make(acme, "ENGINEERING")


def test_group_names_are_unique_per_source_and_organization(acme, globex, group):
    make(acme, source=GroupSource.LOCAL)
    make(globex)
    assert Group.objects.filter(name_key="engineering").count() == 3


def test_rename_group_is_audited_with_both_names(group):
    rename(group, "Platform")
    event = AuditEvent.objects.get(action="group.renamed")
    assert (event.before, event.after) == ({"name": "Engineering"}, {"name": "Platform"})
    assert str(Group.objects.get()) == "Platform"


def test_rename_group_to_the_same_name_is_not_audited(group):
    rename(group, "Engineering")
    assert actions() == ["group.created"]


def test_rename_group_raises_group_name_taken(acme, group):
    with pytest.raises(GroupNameTaken):
        rename(make(acme, "Sales"), "engineering")


def test_add_members_counts_new_members_only(group, uma, adam):
    assert add(group, uma) == 1
    assert add(group, uma, adam) == 1
    assert GroupMember.objects.count() == 2


def test_remove_members_counts_former_members_only(group, uma, adam):
    add(group, uma)
    assert remove(group, uma, adam) == 1
    assert remove(group, uma) == 0


def test_add_and_remove_without_a_change_are_not_audited(group, uma):
    add(group)
    remove(group, uma)
    assert actions() == ["group.created"]


def test_add_members_is_audited_with_the_first_fifty_names(acme, group):
    add(group, *[MembershipFactory(org=acme) for _ in range(52)])
    after = AuditEvent.objects.get(action="group.members_added").after
    assert (after["count"], len(after["members"])) == (52, 50)


def test_leave_directory_removes_group_members_of_one_directory_only(acme, uma):
    own, other = make(acme, directory=DIRECTORY), make(acme, directory=OTHER_DIRECTORY)
    local = make(acme, "Choir", GroupSource.LOCAL)
    for group in (own, other, local):
        add(group, uma)
    held.leave_directory(uma, DIRECTORY)
    assert [row.group for row in GroupMember.objects.order_by("id")] == [other, local]


def test_two_directories_each_have_a_group_of_one_name(acme):
    make(acme, directory=DIRECTORY)
    make(acme, "ENGINEERING", directory=OTHER_DIRECTORY)
    with pytest.raises(GroupNameTaken):
        make(acme, "engineering", directory=DIRECTORY)


def test_delete_group_keeps_memberships_and_is_audited(group, uma):
    add(group, uma)
    services.delete_group(group=group, actor=ACTOR)
    uma.refresh_from_db()
    assert not Group.objects.exists()
    assert actions()[-1] == "group.deleted"


def test_find_group_raises_group_unknown_in_another_organization(acme, globex, group):
    assert queries.find_group(acme, group.public_id) == group
    with pytest.raises(GroupUnknown):
        queries.find_group(globex, group.public_id)


@pytest.mark.parametrize(("text", "found"), [("", 2), ("ENG", 1), ("eng ing", 1), ("eng sales", 0)])
def test_list_groups_finds_names_by_all_words(acme, globex, group, text, found):
    make(acme, "Sales")
    make(globex, "Engine room")
    assert queries.list_groups(acme, text).count() == found


def test_list_groups_counts_members(acme, group, uma, adam):
    add(group, uma, adam)
    assert [row.member_count for row in queries.list_groups(acme)] == [2]


@pytest.mark.parametrize(("text", "found"), [("", 2), ("um", 1), ("nobody", 0)])
def test_list_group_members_finds_members_by_words(group, uma, adam, text, found):
    add(group, uma, adam)
    assert len(queries.list_group_members(group, text)) == found


def test_group_search_form_gives_no_text_for_a_too_long_search():
    assert GroupSearchForm({"q": "x" * 201}).text() == ""
