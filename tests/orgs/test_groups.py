"""Groups take deltas, and say in the audit what changed."""

import pytest

from orgs.audit.models import AuditEvent
from orgs.groups import queries, services
from orgs.groups.errors import GroupNameTaken, GroupUnknown
from orgs.groups.forms import GroupSearchForm
from orgs.groups.models import Group, GroupMember
from orgs.groups.types import GroupSource
from tests.factories import ACTOR, MembershipFactory


def make(org, name="Engineering", source=GroupSource.SCIM):
    return services.create_group(org=org, name=name, source=source, actor=ACTOR)


def add(group, *memberships):
    return services.add_members(group=group, memberships=memberships, actor=ACTOR)


def remove(group, *memberships):
    return services.remove_members(group=group, memberships=memberships, actor=ACTOR)


def rename(group, name):
    services.rename_group(group=group, name=name, actor=ACTOR)


def actions():
    return list(AuditEvent.objects.filter(target_kind="group").order_by("id").values_list("action", flat=True))


@pytest.fixture
def group(acme):
    return make(acme)


def test_a_name_is_taken_whatever_its_case(acme, group):
    with pytest.raises(GroupNameTaken):
        make(acme, "ENGINEERING")


def test_each_source_and_organization_has_names_of_its_own(acme, globex, group):
    make(acme, source=GroupSource.LOCAL)
    make(globex)
    assert Group.objects.filter(name_key="engineering").count() == 3


def test_a_rename_is_audited_with_both_names(group):
    rename(group, "Platform")
    event = AuditEvent.objects.get(action="group.renamed")
    assert (event.before, event.after) == ({"name": "Engineering"}, {"name": "Platform"})
    assert str(Group.objects.get()) == "Platform"


def test_the_same_name_again_is_a_no_op(group):
    rename(group, "Engineering")
    assert actions() == ["group.created"]


def test_a_rename_to_a_taken_name_is_refused(acme, group):
    with pytest.raises(GroupNameTaken):
        rename(make(acme, "Sales"), "engineering")


def test_adding_counts_who_is_new(group, uma, adam):
    assert add(group, uma) == 1
    assert add(group, uma, adam) == 1
    assert GroupMember.objects.count() == 2


def test_removing_counts_who_was_there(group, uma, adam):
    add(group, uma)
    assert remove(group, uma, adam) == 1
    assert remove(group, uma) == 0


def test_nothing_changed_is_not_audited(group, uma):
    add(group)
    remove(group, uma)
    assert actions() == ["group.created"]


def test_the_audit_names_the_first_fifty(acme, group):
    add(group, *[MembershipFactory(org=acme) for _ in range(52)])
    after = AuditEvent.objects.get(action="group.members_added").after
    assert (after["count"], len(after["members"])) == (52, 50)


def test_leaving_ends_the_groups_of_one_source(acme, group, uma):
    local = make(acme, "Choir", GroupSource.LOCAL)
    add(group, uma)
    add(local, uma)
    services.leave_groups(membership=uma, source=GroupSource.SCIM, actor=ACTOR)
    assert [row.group for row in GroupMember.objects.all()] == [local]


def test_deleting_keeps_the_memberships_and_the_audit(group, uma):
    add(group, uma)
    services.delete_group(group=group, actor=ACTOR)
    uma.refresh_from_db()
    assert not Group.objects.exists()
    assert actions()[-1] == "group.deleted"


def test_a_group_is_found_in_its_organization_only(acme, globex, group):
    assert queries.find_group(acme, group.public_id) == group
    with pytest.raises(GroupUnknown):
        queries.find_group(globex, group.public_id)


@pytest.mark.parametrize(("text", "found"), [("", 2), ("ENG", 1), ("eng ing", 1), ("eng sales", 0)])
def test_groups_are_searched_by_words(acme, globex, group, text, found):
    make(acme, "Sales")
    make(globex, "Engine room")
    assert queries.list_groups(acme, text).count() == found


def test_groups_are_listed_with_their_size(acme, group, uma, adam):
    add(group, uma, adam)
    assert [row.member_count for row in queries.list_groups(acme)] == [2]


@pytest.mark.parametrize(("text", "found"), [("", 2), ("um", 1), ("nobody", 0)])
def test_members_are_searched_by_words(group, uma, adam, text, found):
    add(group, uma, adam)
    assert len(queries.list_group_members(group, text)) == found


def test_a_search_that_cannot_be_read_shows_everything():
    assert GroupSearchForm({"q": "x" * 201}).text() == ""
