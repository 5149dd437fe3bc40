"""What the pages of members, groups and invitations show."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from orgs.groups import services as groups
from orgs.groups.types import GroupSource
from orgs.invitations import services as invitations
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy.types import MembershipOrigin, SuspensionSource
from tests.factories import ACTOR, MembershipFactory

MEMBERS = "/orgs/acme/settings/members/"
GROUPS = "/orgs/acme/settings/groups/"


def text_of(response):
    return " ".join(response.content.decode().split())


def queries_of(admin, path):
    with CaptureQueriesContext(connection) as captured:
        assert admin.get(path).status_code == 200
    return len(captured)


def add_people(org, numbers, origin=MembershipOrigin.SCIM):
    return [
        people.create_membership(
            org=org, profile=Profile(f"p{number}@acme.example", "Pat", f"Number{number:03}"), origin=origin, actor=ACTOR
        )
        for number in numbers
    ]


@pytest.fixture
def admin(sign_in, olga):
    return sign_in(olga)


@pytest.fixture
def engineering(acme):
    return groups.create_group(org=acme, name="Engineering", source=GroupSource.SCIM, actor=ACTOR)


@pytest.fixture
def invitation(acme):
    """The secret of an open invitation for ivy@elsewhere.example."""
    membership = people.create_membership(
        org=acme, profile=Profile("ivy@elsewhere.example"), origin=MembershipOrigin.INVITE, actor=ACTOR
    )
    _, secret = invitations.prepare_invitation(org=acme, membership_public_id=str(membership.public_id))
    return secret


def test_members_page_shows_why_somebody_has_a_role(admin):
    assert "Given by a person" in text_of(admin.get(MEMBERS))


def test_members_page_shows_origin_and_state(admin, acme):
    add_people(acme, [1])
    page = text_of(admin.get(MEMBERS, {"q": "p1@"}))
    assert "SCIM</span>" in page
    assert "Invited, waiting" in page


def test_members_page_shows_who_suspended_somebody(admin, uma):
    people.suspend_membership(membership=uma, source=SuspensionSource.SCIM, actor=ACTOR)
    assert "By the identity provider" in text_of(admin.get(MEMBERS))


def test_members_page_filters_by_origin(admin, acme):
    add_people(acme, [1])
    page = text_of(admin.get(MEMBERS, {"origin": "scim"}))
    assert "p1@acme.example" in page
    assert 'scope="row" class="text-[15px] font-medium">olga@acme.example' not in page


def test_members_page_counts_states_of_everybody_while_it_is_filtered(admin, acme):
    add_people(acme, [1, 2])
    page = text_of(admin.get(MEMBERS, {"state": "active"}))
    assert re.search(r"Invited <span[^>]*>2</span>", page)


def test_members_page_says_when_nobody_matches(admin):
    assert "Nobody matches" in text_of(admin.get(MEMBERS, {"q": "zzz"}))


def test_members_page_says_only_you_so_far_when_there_is_one_member(admin):
    assert "Only you so far" in text_of(admin.get(MEMBERS))


def test_members_page_keeps_the_filter_in_the_link_to_the_next_page(admin, acme):
    add_people(acme, range(51))
    assert "origin=scim&amp;page=2" in text_of(admin.get(MEMBERS, {"origin": "scim"}))


def test_members_page_escapes_a_name(admin, acme):
    profile = Profile("x@acme.example", display_name="<script>alert(1)</script>")
    people.create_membership(org=acme, profile=profile, origin=MembershipOrigin.SCIM, actor=ACTOR)
    assert "<script>alert" not in text_of(admin.get(MEMBERS))


def test_members_page_takes_the_same_number_of_queries_for_fifty_as_for_five(admin, acme):
    add_people(acme, range(5))
    few = queries_of(admin, MEMBERS)
    add_people(acme, range(5, 50))
    assert queries_of(admin, MEMBERS) == few


def test_groups_page_counts_members(admin, acme, engineering):
    groups.add_members(group=engineering, memberships=add_people(acme, range(3)), actor=ACTOR)
    assert '<td data-label="Members">3</td>' in text_of(admin.get(GROUPS))


def test_groups_page_without_groups_says_how_they_come(admin):
    assert "No groups yet" in text_of(admin.get(GROUPS))


def test_groups_page_says_when_none_matches(admin, engineering):
    assert "No group matches" in text_of(admin.get(GROUPS, {"q": "sales"}))


def test_groups_page_takes_the_same_number_of_queries_for_fifty_as_for_five(admin, acme):
    def add(numbers):
        for number in numbers:
            groups.create_group(org=acme, name=f"Group {number}", source=GroupSource.SCIM, actor=ACTOR)

    add(range(5))
    few = queries_of(admin, GROUPS)
    add(range(5, 50))
    assert queries_of(admin, GROUPS) == few


def test_group_page_takes_the_same_number_of_queries_for_fifty_members_as_for_five(admin, acme, engineering):
    path = reverse("groups:group", args=["acme", engineering.public_id])
    groups.add_members(group=engineering, memberships=add_people(acme, range(5)), actor=ACTOR)
    few = queries_of(admin, path)
    groups.add_members(group=engineering, memberships=add_people(acme, range(5, 50)), actor=ACTOR)
    assert queries_of(admin, path) == few


def test_group_page_says_that_the_group_is_changed_at_the_idp(admin, engineering):
    page = text_of(admin.get(reverse("groups:group", args=["acme", engineering.public_id])))
    assert "changed there" in page
    assert "Nobody is in this group" in page


def test_group_page_returns_404_for_another_organizations_group(sign_in, greta, engineering):
    path = reverse("groups:group", args=["globex", engineering.public_id])
    assert sign_in(greta).get(path).status_code == 404


def test_invitation_page_links_to_sign_in_and_sign_up_with_next(client, invitation):
    page = text_of(client.get(reverse("people:invitation", args=[invitation])))
    assert f"{reverse('account_login')}?next=%2Finvitations%2F{invitation}%2F" in page
    assert f"{reverse('account_signup')}?next=%2Finvitations%2F{invitation}%2F" in page


def test_invitation_page_names_the_account_that_would_join(sign_in, stranger, invitation):
    page = text_of(sign_in(stranger).get(reverse("people:invitation", args=[invitation])))
    assert "stranger@nowhere.example" in page
    assert reverse("people:accept", args=[invitation]) in page


def test_accept_page_returns_409_with_a_code_for_somebody_elses_invitation(sign_in, stranger, invitation):
    response = sign_in(stranger).post(reverse("people:accept", args=[invitation]))
    assert response.status_code == 403
    assert "invitation_for_somebody_else" in text_of(response)


def test_invitation_page_returns_404_with_a_code_for_an_unknown_invitation(client, db):
    response = client.get(reverse("people:invitation", args=["ghi_nothing"]))
    assert response.status_code == 404
    assert "invitation_unknown" in text_of(response)


@pytest.mark.parametrize("path", [MEMBERS, GROUPS])
def test_members_and_groups_pages_have_no_uncompiled_component(admin, acme, engineering, path):
    MembershipFactory(org=acme)
    assert b"<c-" not in admin.get(path).content
