"""Memberships: their roles, suspensions, addresses, and the last owner, who can't be lost by any path."""

import pytest
from django.db import transaction

from orgs.audit.models import AuditEvent
from orgs.base.clock import now
from orgs.people import queries
from orgs.people import services as people
from orgs.people.errors import MembershipExists
from orgs.people.forms import MemberSearchForm
from orgs.people.types import MemberFilter, Profile
from orgs.tenancy import services as tenancy
from orgs.tenancy.errors import AddressInvalid, AddressTaken, LastOwner
from orgs.tenancy.models import Membership, MembershipAddress, RoleGrant, User
from orgs.tenancy.types import AddressKind, GrantSource, MembershipOrigin, MembershipState, Role, SuspensionSource
from portal.setup import add_domain
from tests import held
from tests.factories import ACTOR, MembershipFactory, OrganizationFactory, UserFactory


def give(membership, role, source=GrantSource.PERSON, reference=""):
    people.grant_role(membership=membership, role=role, source=source, actor=ACTOR, reference=reference)


def hold(membership, source=SuspensionSource.ADMIN, reason=""):
    people.suspend_membership(membership=membership, source=source, actor=ACTOR, reason=reason)


def lift(membership, source=SuspensionSource.ADMIN):
    people.lift_suspension(membership=membership, source=source, actor=ACTOR)


def rename(membership, address, **names):
    people.update_profile(membership=membership, profile=Profile(address, **names), actor=ACTOR)


def stored(membership):
    return Membership.objects.get(pk=membership.pk)


def actions_about(membership):
    found = AuditEvent.objects.filter(target_id=str(membership.public_id)).order_by("id")
    return list(found.values_list("action", flat=True))


@pytest.fixture
def waiting(acme):
    return people.create_membership(
        org=acme, profile=Profile("wanda@else.example"), origin=MembershipOrigin.SCIM, actor=ACTOR
    )


# the last owner


def demote(membership):
    give(membership, Role.ADMIN)


LOSSES = [
    demote,
    hold,
    lambda membership: hold(membership, SuspensionSource.SCIM),
    lambda membership: hold(membership, SuspensionSource.BRAKE),
    held.remove,
]
LOSS_NAMES = ["demoted", "held by an admin", "held by SCIM", "held by the brake", "removed"]


@pytest.mark.parametrize("lose", LOSSES, ids=LOSS_NAMES)
def test_suspension_removal_or_demotion_of_the_last_owner_raises_last_owner(olga, lose):
    with pytest.raises(LastOwner):
        lose(olga)
    assert (stored(olga).role, stored(olga).state) == (Role.OWNER, MembershipState.ACTIVE)
    assert not olga.suspensions.exists()


@pytest.mark.parametrize("lose", LOSSES, ids=LOSS_NAMES)
def test_suspension_removal_or_demotion_of_one_of_two_owners_is_allowed(olga, adam, lose):
    give(adam, Role.OWNER)
    lose(olga)
    assert queries.active_owner_count(adam.org, without=olga) == 1


@pytest.mark.parametrize("lose", LOSSES, ids=LOSS_NAMES)
def test_suspended_owner_does_not_count_toward_the_last_owner_rule(olga, adam, lose):
    give(adam, Role.OWNER)
    hold(adam)
    with pytest.raises(LastOwner):
        lose(olga)


@pytest.mark.parametrize("lose", LOSSES, ids=LOSS_NAMES)
def test_owner_of_another_organization_does_not_count_toward_the_last_owner_rule(olga, greta, lose):
    with pytest.raises(LastOwner):
        lose(olga)


def test_invited_owner_does_not_count_toward_the_last_owner_rule(olga, waiting):
    give(waiting, Role.OWNER)
    with pytest.raises(LastOwner):
        held.remove(olga)


def test_a_suspended_owner_can_be_removed(olga, adam):
    give(adam, Role.OWNER)
    hold(adam)
    held.remove(adam)
    assert not Membership.objects.filter(pk=adam.pk).exists()


def test_a_membership_that_became_the_last_owner_meanwhile_cannot_be_suspended(olga, adam):
    stale = Membership.objects.get(pk=adam.pk)
    give(adam, Role.OWNER)
    hold(olga)
    with pytest.raises(LastOwner):
        hold(stale)


# roles


def test_a_new_membership_without_grants_is_a_plain_user(waiting):
    assert stored(waiting).role == Role.USER


@pytest.mark.parametrize(
    ("roles", "expected"),
    [([Role.GUEST], Role.GUEST), ([Role.GUEST, Role.ADMIN], Role.ADMIN), ([Role.USER, Role.GUEST], Role.USER)],
)
def test_role_is_the_highest_granted_one(acme, waiting, roles, expected):
    for place, role in enumerate(roles):
        give(waiting, role, GrantSource.GROUP, f"group {place}")
    assert waiting.role == stored(waiting).role == expected


def test_grant_role_replaces_the_grant_of_the_same_source_only(uma):
    give(uma, Role.ADMIN, GrantSource.GROUP, "g1")
    give(uma, Role.GUEST, GrantSource.GROUP, "g1")
    assert stored(uma).role == Role.USER
    assert RoleGrant.objects.filter(membership=uma).count() == 2


def test_a_role_change_is_audited_with_both_roles(uma):
    give(uma, Role.ADMIN)
    event = AuditEvent.objects.get(action="membership.role_changed", target_id=str(uma.public_id))
    assert (event.before, event.after) == ({"role": "user"}, {"role": "admin"})


def test_grant_role_again_is_not_audited(adam):
    before = AuditEvent.objects.count()
    give(adam, Role.ADMIN)
    assert AuditEvent.objects.count() == before


# holds


def test_suspend_membership_stores_state_and_truncated_reason(uma):
    hold(uma, reason="r" * 300)
    assert (uma.state, stored(uma).state) == (MembershipState.SUSPENDED, MembershipState.SUSPENDED)
    assert uma.suspensions.get().reason == "r" * 200


def test_suspend_membership_twice_is_audited_once(uma):
    hold(uma)
    hold(uma)
    assert actions_about(uma).count("membership.suspended") == 1


def test_lift_suspension_of_one_source_keeps_the_other(uma):
    hold(uma, SuspensionSource.SCIM)
    hold(uma, SuspensionSource.ADMIN)
    lift(uma, SuspensionSource.SCIM)
    assert uma.state == MembershipState.SUSPENDED
    lift(uma, SuspensionSource.ADMIN)
    assert uma.state == stored(uma).state == MembershipState.ACTIVE


def test_lift_suspension_of_another_source_is_not_audited(uma):
    hold(uma, SuspensionSource.ADMIN)
    lift(uma, SuspensionSource.SCIM)
    assert "membership.suspension_lifted" not in actions_about(uma)


def test_lift_suspension_returns_an_invited_membership_to_invited(waiting):
    hold(waiting)
    lift(waiting)
    assert stored(waiting).state == MembershipState.INVITED


def test_join_leaves_a_suspended_membership_suspended(waiting, stranger):
    hold(waiting)
    people.join(membership=waiting, user=stranger, actor=ACTOR)
    assert stored(waiting).state == MembershipState.SUSPENDED


# origins, addresses, names


def test_adopt_twice_adds_the_origin_once(uma):
    held.adopt(uma, MembershipOrigin.SCIM)
    membership = held.adopt(uma, MembershipOrigin.SCIM)
    assert membership.origin_set == {MembershipOrigin.INVITE, MembershipOrigin.SCIM}
    assert actions_about(uma).count("membership.adopted") == 1


def test_create_membership_raises_membership_exists_for_an_address_in_any_case(acme, uma):
    with pytest.raises(MembershipExists):
        people.create_membership(
            org=acme, profile=Profile("UMA@ACME.example"), origin=MembershipOrigin.SCIM, actor=ACTOR
        )


def test_create_membership_allows_the_same_address_in_another_organization(globex, uma):
    people.create_membership(org=globex, profile=Profile(uma.email), origin=MembershipOrigin.SCIM, actor=ACTOR)
    assert Membership.objects.filter(email_key=uma.email_key).count() == 2


@pytest.mark.parametrize("address", ["", "nora", "nora@", "a@b@c.example", "x" * 250 + "@a.example", " @a.example"])
def test_create_membership_raises_address_invalid_for_other_text(acme, address):
    with pytest.raises(AddressInvalid):
        people.create_membership(org=acme, profile=Profile(address), origin=MembershipOrigin.SCIM, actor=ACTOR)


def test_a_membership_is_named_by_its_parts_when_no_display_name_is_given(waiting):
    rename(waiting, waiting.email, given_name="Wanda", family_name="Wilde")
    assert (str(stored(waiting)), stored(waiting).name_key) == ("Wanda Wilde", "wanda wilde")


def test_update_profile_truncates_long_names_to_the_columns(waiting):
    rename(waiting, waiting.email, given_name="g" * 500, family_name="f" * 500, display_name="d" * 900)
    membership = stored(waiting)
    assert (len(membership.given_name), len(membership.family_name), len(membership.display_name)) == (200, 200, 400)


def test_update_profile_truncates_a_name_key_that_grows_when_case_folded(waiting):
    rename(waiting, waiting.email, display_name="\ufb2c" * 400)
    assert len(stored(waiting).name_key) == 512


def test_update_profile_with_the_same_profile_is_not_audited(uma):
    before = AuditEvent.objects.count()
    rename(uma, uma.email, display_name=uma.display_name)
    assert AuditEvent.objects.count() == before


def test_update_profile_with_a_new_address_keeps_the_old_one_as_former(uma):
    rename(uma, "uma.unger@acme.example")
    kinds = dict(MembershipAddress.objects.filter(membership=uma).values_list("address_key", "kind"))
    assert kinds == {"uma@acme.example": AddressKind.FORMER, "uma.unger@acme.example": AddressKind.CURRENT}


def test_update_profile_back_to_a_former_address_makes_it_current_again(uma):
    rename(uma, "uma.unger@acme.example")
    rename(uma, "uma@acme.example")
    kinds = dict(MembershipAddress.objects.filter(membership=uma).values_list("address_key", "kind"))
    assert kinds == {"uma@acme.example": AddressKind.CURRENT, "uma.unger@acme.example": AddressKind.FORMER}


def test_update_profile_with_other_capitals_adds_no_address(uma):
    rename(uma, "Uma@Acme.example")
    assert stored(uma).email == "Uma@Acme.example"
    assert MembershipAddress.objects.filter(membership=uma).count() == 1


def test_create_membership_allows_another_members_former_address(acme, uma):
    rename(uma, "uma.unger@acme.example")
    people.create_membership(org=acme, profile=Profile("uma@acme.example"), origin=MembershipOrigin.SCIM, actor=ACTOR)
    assert queries.membership_of_address(acme, "UMA@acme.example") != uma


def test_update_profile_raises_membership_exists_for_another_members_address(uma, adam):
    with pytest.raises(MembershipExists):
        rename(uma, "ADAM@acme.example")
    assert stored(uma).email == "uma@acme.example"


def test_update_profile_raises_address_invalid_for_other_text(uma):
    with pytest.raises(AddressInvalid):
        rename(uma, "uma")


# what a rename does to the account


@pytest.fixture
def verified(acme):
    return add_domain(org=acme, name="acme.example", verified=True, actor=ACTOR)


@pytest.fixture
def unused(uma):
    """Uma's membership, with an account that nobody has ever used: no password, no sign-in."""
    uma.user.set_unusable_password()
    uma.user.save()
    return uma


def test_update_profile_changes_the_account_address_when_the_account_was_never_used(verified, unused):
    rename(unused, "uma.unger@acme.example")
    account = User.objects.get(pk=unused.user_id)
    assert (account.email, account.email_key) == ("uma.unger@acme.example", "uma.unger@acme.example")
    assert list(account.emailaddress_set.values_list("email", "verified", "primary")) == [
        ("uma.unger@acme.example", True, True)
    ]


@pytest.mark.parametrize("address", ["uma@elsewhere.example", "uma.unger@acme.example"])
def test_update_profile_keeps_the_account_address_when_a_domain_is_unverified(unused, address):
    rename(unused, address)
    assert User.objects.get(pk=unused.user_id).email == "uma@acme.example"


def test_update_profile_keeps_the_account_address_when_the_new_domain_is_unverified(verified, unused):
    rename(unused, "uma@elsewhere.example")
    assert User.objects.get(pk=unused.user_id).email == "uma@acme.example"


def test_update_profile_keeps_the_account_address_of_staff(verified, unused):
    User.objects.filter(pk=unused.user_id).update(is_staff=True)
    rename(stored(unused), "uma.unger@acme.example")
    assert User.objects.get(pk=unused.user_id).email == "uma@acme.example"


def test_update_profile_keeps_the_account_address_when_it_has_another_membership(verified, unused, globex):
    OrganizationFactory(slug="third", owner_email=unused.email)
    rename(unused, "uma.unger@acme.example")
    assert User.objects.get(pk=unused.user_id).email == "uma@acme.example"


def test_update_profile_keeps_the_account_address_when_it_differs_from_the_membership(verified, acme):
    person = UserFactory(email="private@home.example")
    membership = people.create_membership(
        org=acme, profile=Profile("gina@else.example"), origin=MembershipOrigin.SCIM, actor=ACTOR
    )
    people.join(membership=membership, user=person, actor=ACTOR)
    rename(membership, "gina@acme.example")
    assert User.objects.get(pk=person.pk).email == "private@home.example"


def test_update_profile_keeps_the_account_address_when_another_account_has_the_new_one(verified, unused):
    UserFactory(email="uma.unger@acme.example")
    rename(unused, "uma.unger@acme.example")
    assert stored(unused).email == "uma.unger@acme.example"
    assert User.objects.get(pk=unused.user_id).email == "uma@acme.example"


# removal


def test_remove_of_an_invited_one_leaves_only_audit_events(waiting):
    held.remove(waiting)
    assert not Membership.objects.filter(email=waiting.email).exists()
    assert actions_about(waiting) == ["membership.created", "membership.removed"]


def test_remove_deletes_an_account_that_was_never_used(acme, verified):
    membership = people.create_membership(
        org=acme, profile=Profile("new@acme.example"), origin=MembershipOrigin.SCIM, actor=ACTOR
    )
    held.remove(membership)
    assert not User.objects.filter(email_key="new@acme.example").exists()


def has_another_membership(user):
    OrganizationFactory(slug="third", owner_email=user.email)


def has_signed_in(user):
    user.last_login = user.date_joined


def is_staff(user):
    user.is_staff = True


def has_a_password(user):
    user.set_password("a-long-test-password")


@pytest.mark.parametrize("trait", [has_another_membership, has_signed_in, is_staff, has_a_password])
def test_remove_keeps_an_account_in_use(acme, verified, trait):
    membership = people.create_membership(
        org=acme, profile=Profile("new@acme.example"), origin=MembershipOrigin.SCIM, actor=ACTOR
    )
    trait(membership.user)
    membership.user.save()
    held.remove(membership)
    assert User.objects.filter(email_key="new@acme.example").exists()


def test_record_account_sign_in_updates_active_memberships_only(uma, globex):
    held = MembershipFactory(org=globex)
    Membership.objects.filter(pk=held.pk).update(user=uma.user)
    hold(held)
    people.record_account_sign_in(user=uma.user)
    assert stored(uma).last_sign_in_at is not None
    assert stored(held).last_sign_in_at is None


# reading


def names(found):
    return [membership.email.partition("@")[0] for membership in found]


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (MemberFilter(), ["adam", "gil", "olga", "uma"]),
        (MemberFilter(text="UMA"), ["uma"]),
        (MemberFilter(text="acme adam"), ["adam"]),
        (MemberFilter(text="nobody"), []),
        (MemberFilter(text="%"), []),
        (MemberFilter(origin="setup"), ["olga"]),
        (MemberFilter(origin="nonsense"), ["adam", "gil", "olga", "uma"]),
        (MemberFilter(state="suspended"), ["gil"]),
        (MemberFilter(state="nonsense"), ["adam", "gil", "olga", "uma"]),
    ],
)
def test_list_members_applies_the_filter(acme, adam, uma, gil, greta, shown, expected):
    hold(gil)
    assert sorted(names(queries.list_members(acme, shown))) == expected


def test_member_search_form_with_invalid_values_filters_nothing():
    assert MemberSearchForm({"q": "x" * 201, "origin": "?", "state": "?"}).shown() == MemberFilter()


def test_count_by_state_counts_memberships_by_state(acme, uma, gil, waiting):
    hold(gil)
    assert queries.count_by_state(acme) == {"active": 2, "suspended": 1, "invited": 1}


def test_settings_addresses_lists_active_owners_and_admins(acme, olga, adam, uma, greta):
    second = MembershipFactory(org=acme, email="held@acme.example", role=Role.ADMIN)
    hold(second)
    assert queries.settings_addresses(acme) == ["olga@acme.example", "adam@acme.example"]


def test_accept_invitation_adds_a_second_organization_to_an_account(acme, uma, globex):
    membership = people.create_membership(
        org=globex, profile=Profile(uma.email), origin=MembershipOrigin.INVITE, actor=ACTOR
    )
    people.accept_invitation(membership=membership, user=uma.user, actor=ACTOR, mailed_at=now())
    assert {membership.org.slug for membership in uma.user.memberships.all()} == {"acme", "globex"}


def test_create_account_raises_address_taken_for_a_second_address_of_another_account(acme, stranger):
    tenancy.mark_address_verified(user=stranger, address="second@nowhere.example")
    with pytest.raises(AddressTaken):
        tenancy.create_account(email="second@nowhere.example", verified=True)


def test_lock_membership_of_who_has_become_an_owner_locks_the_organization_when_nobody_else_does(uma):
    Membership.objects.filter(pk=uma.pk).update(role=Role.OWNER)
    with transaction.atomic():
        assert people.lock_membership(uma).role == Role.OWNER
