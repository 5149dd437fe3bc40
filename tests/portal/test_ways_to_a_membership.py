"""Who gets a membership: way in × proof of the address × history of the address → what becomes of it.

Below it: with which Name ID somebody enters a membership that is linked.

The address is hank@acme.example. The table is the rule (docs/architecture.md, "Who may have a membership"); a function
of the product that gives somebody a membership and isn't named by a way fails `test_each_function_...`.
"""

import ast
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client

from orgs.base.clock import now
from orgs.people import services as people
from orgs.tenancy import queries as tenancy_queries
from orgs.tenancy.models import Organization
from orgs.tenancy.types import Role
from portal.setup import add_domain
from scim.directories.queries import first_directory
from sso.attempts.models import LoginAttempt
from sso.connections import services as connections
from sso.connections.models import Configuration, SamlIdentity
from tests.architecture.source import modules
from tests.conftest import ScimClient
from tests.factories import ACTOR, TokenFactory
from tests.portal.ways import (
    DAY,
    HANK,
    START,
    Step,
    World,
    accept_waiting,
    add_owner_to,
    add_owner_who_was_invited,
    add_owner_with_account,
    closed,
    create_organization_for,
    deleted_after_use,
    deleted_unused,
    invitation_link,
    invitation_link_and_new_account,
    made_elsewhere_before_domain,
    made_here_before_domain,
    made_here_unused,
    made_here_used_before_domain,
    new_address,
    no_account,
    owner_elsewhere,
    renamed_away,
    scim_create,
    scim_create_without_external_id,
    scim_reactivate,
    scim_rename,
    scim_return,
    sign_in_with_jit,
    sign_in_without_jit,
    squatted,
    staff,
    verified_again,
    verified_before_domain,
    verified_beside_another,
    verified_now,
    verify_domain_later,
)
from tests.scim.bodies import user_body
from tests.sso.conftest import connect, idp_keys  # noqa: F401
from tests.sso.idp import Browser, IdpNameIdFormat, NameIdSource

TABLE: list[tuple[Step, Step, Step, str]] = [
    # way, proof, history, end
    (scim_create, no_account, new_address, "new account"),
    (scim_create, squatted, new_address, "new account"),
    (scim_create, verified_before_domain, new_address, "invited"),
    (scim_create, verified_now, new_address, "their account"),
    (scim_create, verified_again, new_address, "their account"),
    (scim_create, verified_beside_another, new_address, "their account"),
    (scim_create, made_here_unused, new_address, "their account"),
    (scim_create, made_here_before_domain, new_address, "their account"),
    (scim_create, made_here_used_before_domain, new_address, "invited"),
    (scim_create, made_elsewhere_before_domain, new_address, "invited"),
    (scim_create, staff, new_address, "invited"),
    (scim_create, owner_elsewhere, new_address, "invited"),
    (scim_create, closed, new_address, "invited"),
    (scim_create, no_account, deleted_unused, "new account"),
    (scim_create, no_account, deleted_after_use, "new account"),
    (scim_create, no_account, renamed_away, "new account"),
    (scim_create_without_external_id, no_account, new_address, "new account"),
    (scim_create_without_external_id, squatted, new_address, "new account"),
    (scim_create_without_external_id, no_account, deleted_unused, "new account"),
    (scim_create_without_external_id, no_account, deleted_after_use, "new account"),
    (scim_create_without_external_id, no_account, renamed_away, "new account"),
    (scim_return, no_account, deleted_after_use, "former member"),
    (scim_return, no_account, deleted_unused, "new account"),
    (scim_rename, no_account, new_address, "new account"),
    (scim_rename, squatted, new_address, "new account"),
    (scim_rename, verified_before_domain, new_address, "invited"),
    (scim_rename, verified_now, new_address, "their account"),
    (scim_rename, no_account, deleted_after_use, "new account"),
    (scim_rename, no_account, renamed_away, "new account"),
    (scim_reactivate, no_account, new_address, "new account"),
    (scim_reactivate, squatted, new_address, "new account"),
    (scim_reactivate, verified_before_domain, new_address, "invited"),
    (scim_reactivate, no_account, deleted_after_use, "new account"),
    (sign_in_with_jit, no_account, new_address, "new account"),
    (sign_in_with_jit, squatted, new_address, "new account"),
    (sign_in_with_jit, verified_before_domain, new_address, "invited"),
    (sign_in_with_jit, verified_now, new_address, "their account"),
    (sign_in_with_jit, staff, new_address, "invited"),
    (sign_in_with_jit, no_account, deleted_after_use, "nobody"),
    (sign_in_with_jit, no_account, deleted_unused, "new account"),
    (sign_in_with_jit, no_account, renamed_away, "new account"),
    (sign_in_without_jit, no_account, new_address, "nobody"),
    (sign_in_without_jit, verified_now, new_address, "nobody"),
    (sign_in_without_jit, no_account, deleted_after_use, "nobody"),
    (sign_in_without_jit, no_account, renamed_away, "nobody"),
    (verify_domain_later, no_account, new_address, "new account"),
    (verify_domain_later, squatted, new_address, "new account"),
    (verify_domain_later, verified_before_domain, new_address, "invited"),
    (verify_domain_later, verified_now, new_address, "their account"),
    (verify_domain_later, no_account, deleted_after_use, "new account"),
    (invitation_link, verified_before_domain, new_address, "their account"),
    (invitation_link, staff, new_address, "their account"),
    (invitation_link, owner_elsewhere, new_address, "their account"),
    (invitation_link, squatted, new_address, "new account"),
    (invitation_link, no_account, deleted_after_use, "new account"),
    (invitation_link_and_new_account, verified_before_domain, new_address, "new account"),
    (invitation_link_and_new_account, made_elsewhere_before_domain, new_address, "new account"),
    (invitation_link_and_new_account, verified_now, new_address, "their account"),
    (invitation_link_and_new_account, staff, new_address, "invited"),
    (invitation_link_and_new_account, owner_elsewhere, new_address, "invited"),
    (invitation_link_and_new_account, closed, new_address, "invited"),
    (accept_waiting, verified_before_domain, new_address, "invited"),
    (accept_waiting, made_elsewhere_before_domain, new_address, "invited"),
    (accept_waiting, staff, new_address, "their account"),
    (accept_waiting, owner_elsewhere, new_address, "their account"),
    (create_organization_for, no_account, new_address, "new account"),
    (create_organization_for, squatted, new_address, "new account"),
    (create_organization_for, verified_before_domain, new_address, "their account"),
    (create_organization_for, verified_now, new_address, "their account"),
    (add_owner_to, no_account, new_address, "new account"),
    (add_owner_to, squatted, new_address, "new account"),
    (add_owner_to, verified_before_domain, new_address, "nobody"),
    (add_owner_with_account, verified_before_domain, new_address, "their account"),
    (add_owner_to, verified_now, new_address, "nobody"),
    (add_owner_with_account, verified_now, new_address, "their account"),
    (create_organization_for, closed, new_address, "nobody"),
    (add_owner_with_account, closed, new_address, "nobody"),
    (add_owner_to, no_account, deleted_after_use, "nobody"),
    (add_owner_to, no_account, deleted_unused, "new account"),
    (add_owner_to, no_account, renamed_away, "nobody"),
    (add_owner_who_was_invited, verified_before_domain, new_address, "their account"),
    (add_owner_who_was_invited, staff, new_address, "their account"),
    (add_owner_who_was_invited, closed, new_address, "invited"),
]


@pytest.fixture
def world(acme: Organization) -> World:
    with time_machine.travel(START + DAY, tick=False):
        add_domain(org=acme, name="acme.example", verified=True, actor=ACTOR)
    directory = first_directory(acme)
    plain = TokenFactory(directory=directory).plain
    assert plain is not None
    return World(acme, ScimClient(directory, plain, Client()))


@pytest.fixture
def with_connection(world: World, idp_keys: Any) -> None:  # noqa: F811
    world.connection, world.idp = connect(world.org, idp_keys)
    connections.turn_on(connection=world.connection, actor=ACTOR, without_test=True)


def name_of(value: object) -> str | None:
    return getattr(value, "__name__", None)


@pytest.mark.parametrize(("way", "proof", "history", "end"), TABLE, ids=name_of)
def test_way_to_a_membership_ends_as_in_the_table(
    world: World, request: pytest.FixtureRequest, way: Step, proof: Step, history: Step, end: str
) -> None:
    if way in {sign_in_with_jit, sign_in_without_jit}:
        request.getfixturevalue("with_connection")
    history(world)
    proof(world)
    way(world)
    assert world.end() == end


@pytest.mark.parametrize("history", [deleted_after_use, renamed_away])
@pytest.mark.parametrize("way", [scim_create, scim_create_without_external_id, scim_rename])
def test_new_holder_of_an_address_gets_neither_role_nor_account_of_the_former_one(
    world: World, history: Step, way: Step
) -> None:
    history(world)
    assert world.former is not None
    people.grant_role(membership=world.former, role=Role.ADMIN, source="person", actor=ACTOR)
    former_user = world.former.user
    way(world)
    holder = world.holder()
    assert holder is not None
    assert holder.user is not None
    assert (holder.role, holder.user == former_user, holder.pk == world.former.pk) == (Role.USER, False, False)
    assert former_user is not None
    # a password reset in the mailbox opens the new holder's account alone
    assert HANK not in tenancy_queries.verified_keys_of(former_user)
    assert tenancy_queries.account_for_address(HANK) == holder.user
    assert not Client().login(email=HANK, password="the-former-persons-own")


# the Name IDs with which somebody enters a membership that is linked, by the mail attribute that says its address ------

EMAIL, UNSPECIFIED = IdpNameIdFormat.EMAIL, IdpNameIdFormat.UNSPECIFIED
PERSISTENT, TRANSIENT = IdpNameIdFormat.PERSISTENT, IdpNameIdFormat.TRANSIENT
NAME_IDS = [
    # format asked for, Name IDs that are linked, Name ID that comes, end
    (EMAIL, [], (EMAIL, HANK), "enters"),
    (EMAIL, [], (PERSISTENT, "p-2"), "enters"),
    (EMAIL, [], (TRANSIENT, "_t"), "enters"),
    (EMAIL, [(EMAIL, HANK)], (EMAIL, HANK), "enters"),
    (EMAIL, [(EMAIL, HANK)], (EMAIL, "p-2"), "refused"),
    (EMAIL, [(EMAIL, HANK)], (UNSPECIFIED, "p-2"), "refused"),
    (EMAIL, [(EMAIL, HANK)], (PERSISTENT, "p-2"), "refused"),
    (EMAIL, [(EMAIL, HANK)], (TRANSIENT, "_t"), "refused"),
    (EMAIL, [(PERSISTENT, "p-1")], (EMAIL, HANK), "enters"),
    (EMAIL, [(PERSISTENT, "p-1")], (EMAIL, "p-2"), "refused"),
    (EMAIL, [(PERSISTENT, "p-1")], (EMAIL, "nobody@acme.example"), "refused"),
    (EMAIL, [(PERSISTENT, "p-1")], (EMAIL, "hank@elsewhere.example"), "refused"),
    (EMAIL, [(PERSISTENT, "p-1")], (UNSPECIFIED, HANK), "refused"),
    (EMAIL, [(PERSISTENT, "p-1")], (PERSISTENT, "p-2"), "refused"),
    (PERSISTENT, [(EMAIL, HANK)], (PERSISTENT, "p-2"), "enters"),
    (PERSISTENT, [(EMAIL, HANK)], (UNSPECIFIED, "p-2"), "refused"),
    (PERSISTENT, [(PERSISTENT, "p-1")], (PERSISTENT, "p-2"), "refused"),
    (PERSISTENT, [(PERSISTENT, "p-1")], (EMAIL, HANK), "refused"),
    (PERSISTENT, [(EMAIL, HANK), (PERSISTENT, "p-1")], (EMAIL, HANK), "enters"),
    (PERSISTENT, [(EMAIL, HANK), (PERSISTENT, "p-1")], (PERSISTENT, "p-2"), "refused"),
    (UNSPECIFIED, [(PERSISTENT, "p-1")], (UNSPECIFIED, HANK), "enters"),
    (UNSPECIFIED, [(PERSISTENT, "p-1")], (EMAIL, HANK), "enters"),
    (UNSPECIFIED, [(PERSISTENT, "p-1")], (UNSPECIFIED, "p-2"), "refused"),
    (UNSPECIFIED, [(PERSISTENT, "p-1")], (TRANSIENT, "_t"), "refused"),
    (UNSPECIFIED, [(UNSPECIFIED, "p-1")], (EMAIL, HANK), "refused"),
    (TRANSIENT, [(EMAIL, HANK)], (TRANSIENT, "_t"), "enters"),
    (TRANSIENT, [(EMAIL, HANK)], (PERSISTENT, "p-2"), "refused"),
]


@pytest.mark.usefixtures("with_connection")
@pytest.mark.parametrize(("asked", "linked", "comes", "end"), NAME_IDS)
def test_name_id_enters_or_is_refused_as_in_the_table(
    world: World, asked: str, linked: list[tuple[str, str]], comes: tuple[str, str], end: str
) -> None:
    assert world.scim.post("/Users", user_body(HANK)).status_code == 201
    assert world.idp is not None
    membership = world.holder()
    Configuration.objects.filter(connection=world.connection).update(name_id_format=asked)
    for form, name_id in linked:
        SamlIdentity.objects.create(
            org=world.org,
            connection=world.connection,
            membership=membership,
            name_id=name_id,
            name_id_format=form,
            last_seen_at=now(),
        )
    form, name_id = comes
    named = world.idp.change(name_id_format=form, name_id=NameIdSource.CUSTOM, custom_name_id=name_id)
    assert world.connection is not None
    browser = Browser()
    browser.sign_in(named, world.connection, HANK)
    assert browser.reaches() == ([world.org.slug] if end == "enters" else [])
    attempt = LoginAttempt.objects.first()
    assert attempt is not None
    assert (attempt.membership, attempt.error) == (membership, "" if end == "enters" else "subject_changed")


# the functions that give somebody a membership, each with the ways that go through it -------------------------------

# each caller, with the ways of the table that go through it; the demo's seeds are no part of the product
GIVERS: dict[str, dict[str, set[Step]]] = {
    "join": {
        "orgs/people/services/activate.py:accept_invitation": {invitation_link, accept_waiting},
        "portal/setup.py:_make_owner": {add_owner_who_was_invited},
    },
    "join_held": {
        "orgs/people/services/activate.py:activate": {scim_create, scim_rename, scim_reactivate, sign_in_with_jit},
        "orgs/people/services/activate.py:join": {invitation_link, accept_waiting, add_owner_who_was_invited},
        "orgs/people/services/create.py:create_owner_membership": {create_organization_for, add_owner_to},
    },
    "join_new_account": {
        "orgs/people/services/create.py:add_membership": {scim_create, sign_in_with_jit},
    },
    "accept_invitation": {
        "orgs/people/views.py:accept": {invitation_link, invitation_link_and_new_account},
        "portal/site/views.py:accept_waiting": {accept_waiting},
    },
    "create_owner_membership": {
        "portal/setup.py:create_org": {create_organization_for},
        "portal/setup.py:add_owner": {add_owner_to},
    },
    "create_membership": {
        "sso/admission/services.py:_join": {sign_in_with_jit},
    },
    "add_membership": {
        "orgs/people/services/create.py:create_membership": {sign_in_with_jit},
        "scim/users/services/create.py:_new_membership": {scim_create, scim_create_without_external_id},
    },
    "activate": {
        "orgs/people/services/create.py:add_membership": {scim_create, sign_in_with_jit},
        "orgs/people/services/profile.py:_follow_address": {scim_rename},
        "orgs/people/services/suspend.py:lift_held": {scim_reactivate},
        "orgs/people/services/activate.py:activate_or_keep_invitation": {verify_domain_later, sign_in_without_jit},
    },
    "activate_or_keep_invitation": {
        "orgs/people/services/activate.py:activate_waiting_memberships": {verify_domain_later},
        "sso/admission/services.py:admit": {sign_in_with_jit, sign_in_without_jit},
    },
    "account_to_join": {
        "orgs/people/services/activate.py:activate": {scim_create, scim_rename, scim_reactivate, sign_in_with_jit},
    },
    "restore_held": {
        "scim/users/services/create.py:_restore": {scim_return},
    },
}


def callers_of(name: str) -> Iterator[str]:
    """Yield `file:function` of each call of a function by this name in the product."""
    for module in modules():
        if module.place.startswith("sandbox/"):
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef):
                # services take keywords alone, which str.join doesn't
                calls = (call.func for call in ast.walk(node) if isinstance(call, ast.Call) and call.keywords)
                if any(getattr(func, "attr", getattr(func, "id", "")) == name for func in calls):
                    yield f"{module.place}:{node.name}"


@pytest.mark.parametrize("name", GIVERS)
def test_every_function_that_gives_a_membership_is_called_by_a_way_in_the_table(name: str) -> None:
    in_table = {way for way, *_ in TABLE}
    assert set(callers_of(name)) == set(GIVERS[name])
    assert set().union(*GIVERS[name].values()) <= in_table


def test_only_listed_services_change_the_account_of_a_membership() -> None:
    writers = {
        f"{module.place}:{function.name}"
        for module in modules()
        if module.place.startswith(("orgs/", "sso/", "scim/")) and module.kind == "services"
        for function in ast.walk(module.tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and node.attr in {"user", "user_id"}
    }
    # the last only tells its caller's copy of the row
    assert writers == {
        "orgs/people/services/activate.py:join_held",
        "orgs/people/services/activate.py:join_new_account",
        "orgs/consent/services.py:leave_deprovisioned_membership",
        "orgs/deprovisioning/services.py:deprovision_held",
        "orgs/people/services/suspend.py:lift_suspension",
    }
