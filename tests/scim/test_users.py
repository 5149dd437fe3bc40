"""`/Users` through its whole life, in every form that consoles use."""

from typing import Any

import pytest

from orgs.audit.models import AuditEvent
from orgs.domains import services as domains
from orgs.events.models import OutboxEvent
from orgs.people import services as people
from orgs.people.types import INVITATION_MAIL, Profile
from orgs.tenancy.models import Membership, Organization, SessionGrant, User
from orgs.tenancy.types import GrantSource, MembershipOrigin, MembershipState, Role, SuspensionSource
from scim.users.models import DirectoryUser
from tests.conftest import ScimClient, SignIn
from tests.factories import ACTOR
from tests.scim.bodies import patch_body, user_body, without
from tests.scim.test_endpoint import assert_scim_error


def create(scim: ScimClient, address: str = "nora@acme.example", **changes: Any) -> dict[str, Any]:
    response = scim.post("/Users", user_body(address, **changes))
    assert response.status_code == 201, response.content
    return dict(response.json())


def membership_of(address: str) -> Membership:
    return Membership.objects.get(email=address)


def invitations() -> Any:
    return OutboxEvent.objects.filter(kind=INVITATION_MAIL)


@pytest.fixture
def verified(acme: Organization) -> None:
    domain = domains.add_domain(org=acme, name="acme.example", actor=ACTOR)
    domains.mark_verified(domain=domain, actor=ACTOR)


def test_create_user_returns_201_with_id_and_location(scim: ScimClient) -> None:
    response = scim.post("/Users", user_body())
    made = response.json()
    assert isinstance(made["id"], str)
    assert (
        response["Location"]
        == made["meta"]["location"]
        == f"http://testserver/scim/v2/{scim.directory.public_id}/Users/{made['id']}"
    )
    assert made["name"] == {"givenName": "Nora", "familyName": "Nilsen"}


def test_create_user_does_not_name_the_enterprise_schema_without_its_object(scim: ScimClient) -> None:
    assert create(scim)["schemas"] == ["urn:ietf:params:scim:schemas:core:2.0:User"]


def test_create_user_leaves_the_membership_invited_when_the_domain_is_unverified(scim: ScimClient) -> None:
    create(scim)
    assert membership_of("nora@acme.example").state == MembershipState.INVITED
    assert not User.objects.filter(email="nora@acme.example").exists()


def test_create_user_schedules_the_invitation_two_minutes_later(scim: ScimClient) -> None:
    create(scim)
    event = invitations().get()
    assert (event.due_at - event.created_at).total_seconds() == pytest.approx(120, abs=2)


def test_create_user_activates_the_membership_when_the_domain_is_verified(scim: ScimClient, verified: None) -> None:
    create(scim)
    assert membership_of("nora@acme.example").state == MembershipState.ACTIVE
    assert not invitations().exists()


def test_create_user_links_an_existing_verified_account_when_the_domain_is_verified(
    scim: ScimClient, verified: None, greta: Membership
) -> None:
    from orgs.tenancy import services as tenancy

    account = tenancy.create_account(email="nora@acme.example", verified=True)
    create(scim)
    assert membership_of("nora@acme.example").user == account


def test_a_user_is_active_at_once_though_an_unverified_sign_up_has_the_address(
    scim: ScimClient, verified: None
) -> None:
    from orgs.tenancy import services as tenancy

    claim = tenancy.sign_up(email="nora@acme.example", password="a-strangers-password")
    assert create(scim)["active"] is True
    membership = membership_of("nora@acme.example")
    assert membership.state == MembershipState.ACTIVE
    assert membership.user_id not in (None, claim.pk)
    assert not User.objects.filter(pk=claim.pk).exists()


@pytest.mark.parametrize("trait", ["staff", "owner elsewhere"])
def test_create_user_invites_staff_and_owners_elsewhere_even_when_the_domain_is_verified(
    scim: ScimClient, verified: None, trait: str
) -> None:
    from orgs.tenancy import services as tenancy
    from portal.setup import NewOrganization, create_org

    account = tenancy.create_account(email="nora@acme.example", verified=True)
    if trait == "staff":
        User.objects.filter(pk=account.pk).update(is_staff=True)
    if trait == "owner elsewhere":
        create_org(order=NewOrganization("Other", "other", "nora@acme.example"), actor=ACTOR)
    create(scim)
    assert Membership.objects.get(org=scim.directory.org, email="nora@acme.example").state == MembershipState.INVITED


def test_create_user_answer_is_the_same_whether_an_account_exists_elsewhere_or_not(
    scim: ScimClient, greta: Membership
) -> None:
    known = create(scim, "greta@globex.example")
    unknown = create(scim, "nobody@globex.example")
    assert set(known) == set(unknown)
    assert known["active"] is unknown["active"] is True


@pytest.mark.parametrize("again", ["nora@acme.example", "NORA@ACME.EXAMPLE", "Nora@Acme.Example"])
def test_create_user_returns_409_when_the_user_name_is_taken_in_any_case(scim: ScimClient, again: str) -> None:
    create(scim)
    assert_scim_error(scim.post("/Users", user_body(again)), 409, "uniqueness")
    assert DirectoryUser.objects.count() == 1


def test_create_user_returns_409_when_the_external_id_is_taken(scim: ScimClient) -> None:
    create(scim, externalId="x1")
    assert_scim_error(scim.post("/Users", user_body("other@acme.example", externalId="x1")), 409, "uniqueness")
    assert not Membership.objects.filter(email="other@acme.example").exists()


def test_create_user_returns_409_when_the_address_is_taken(scim: ScimClient) -> None:
    create(scim)
    body = user_body("nora@acme.example", userName="nora.nilsen")
    assert_scim_error(scim.post("/Users", body), 409, "uniqueness")


def test_create_user_uses_the_primary_email_when_the_user_name_is_no_address(scim: ScimClient) -> None:
    emails = [{"value": "home@acme.example", "type": "home"}, {"value": "work@acme.example", "primary": True}]
    create(scim, userName="nora.nilsen", emails=emails)
    assert membership_of("work@acme.example").origins == "scim"


def test_create_user_without_any_address_returns_400(scim: ScimClient) -> None:
    assert_scim_error(scim.post("/Users", user_body(userName="nora", emails=None)), 400, "invalidValue")


@pytest.mark.parametrize(
    "changes",
    [
        {"userName": True},
        {"userName": ""},
        {"userName": None},
        {"name": "Nora"},
        {"emails": [True]},
        {"active": "maybe"},
        {"userName": "x" * 300 + "@a.example"},
        {"userName": "bad address@@x"},
    ],
)
def test_create_user_with_invalid_values_returns_400_and_creates_nothing(
    scim: ScimClient, changes: dict[str, Any]
) -> None:
    body = user_body(**changes)
    if isinstance(changes.get("userName"), str):
        body |= {"emails": []}
    assert_scim_error(scim.post("/Users", body), 400, "invalidValue")
    assert not Membership.objects.filter(origins="scim").exists()


def test_create_user_ignores_unknown_attributes(scim: ScimClient) -> None:
    assert "favouriteColour" not in create(scim, favouriteColour="teal")


def test_a_user_created_inactive_is_suspended_and_gets_no_mail(scim: ScimClient) -> None:
    create(scim, active=False)
    membership = membership_of("nora@acme.example")
    assert membership.state == MembershipState.SUSPENDED
    assert not invitations().filter(canceled_at=None).exists()


def test_create_user_adopts_an_existing_member_and_keeps_their_role(scim: ScimClient, adam: Membership) -> None:
    create(scim, "ADAM@acme.example")
    adam.refresh_from_db()
    assert (adam.role, adam.state) == (Role.ADMIN, MembershipState.ACTIVE)
    assert "scim" in adam.origins
    assert AuditEvent.objects.filter(action="membership.adopted").count() == 1


def test_get_user_returns_the_user_as_created(scim: ScimClient) -> None:
    made = create(scim)
    assert scim.get(f"/Users/{made['id']}").json() == made


@pytest.mark.parametrize("unknown", ["00000000-0000-0000-0000-000000000000", "1", "x", "%00", "..%2f..", "9" * 300])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_request_for_an_unknown_user_id_returns_404(scim: ScimClient, method: str, unknown: str) -> None:
    body = {"PUT": user_body(), "PATCH": patch_body({"op": "replace", "path": "active", "value": False})}.get(method)
    assert_scim_error(scim(method, f"/Users/{unknown}", body), 404)


def test_put_replaces_attributes_and_unassigns_absent_ones(scim: ScimClient) -> None:
    made = create(scim, title="Captain")
    changed = scim.put(f"/Users/{made['id']}", user_body(displayName="Nora N.")).json()
    assert changed["displayName"] == "Nora N."
    assert "title" not in changed


def test_put_of_the_same_user_keeps_the_version_and_is_not_audited(scim: ScimClient) -> None:
    made = create(scim)
    events = AuditEvent.objects.count()
    assert scim.put(f"/Users/{made['id']}", made).json() == made
    assert AuditEvent.objects.count() == events


def test_put_with_null_emails_unassigns_them_and_keeps_the_login_address(scim: ScimClient) -> None:
    made = create(scim)
    body = user_body(emails=None, id=made["id"])
    assert "emails" not in scim.put(f"/Users/{made['id']}", body).json()
    assert membership_of("nora@acme.example").state == MembershipState.INVITED


def test_put_with_null_emails_keeps_the_login_address_when_the_user_name_is_no_address(scim: ScimClient) -> None:
    made = create(scim, userName="nora.nilsen")
    response = scim.put(f"/Users/{made['id']}", user_body(userName="nora.nilsen", emails=None))
    assert response.status_code == 200
    assert membership_of("nora@acme.example")


def test_put_without_active_keeps_active_as_it_was(scim: ScimClient) -> None:
    made = create(scim, active=False)
    assert scim.put(f"/Users/{made['id']}", without(user_body(), "active")).json()["active"] is False


@pytest.mark.parametrize("inactive", [False, "False", "false", 0, "0"])
@pytest.mark.parametrize("form", ["put", "patch", "pathless"])
def test_every_form_of_deactivation_suspends_the_membership(
    scim: ScimClient, verified: None, inactive: Any, form: str
) -> None:
    path = f"/Users/{create(scim)['id']}"
    requests = {
        "put": lambda: scim.put(path, user_body(active=inactive)),
        "patch": lambda: scim.patch(path, patch_body({"op": "Replace", "path": "active", "value": inactive})),
        "pathless": lambda: scim.patch(path, patch_body({"op": "replace", "value": {"active": inactive}})),
    }
    assert requests[form]().json()["active"] is False
    assert membership_of("nora@acme.example").state == MembershipState.SUSPENDED


def test_deactivated_user_is_found_by_active_eq_false(scim: ScimClient) -> None:
    made = create(scim)
    scim.put(f"/Users/{made['id']}", user_body(active=False))
    found = scim.get("/Users").json()["Resources"][0]
    assert found["active"] is False
    assert scim.get("/Users?filter=active eq false").json()["totalResults"] == 1


def test_deactivation_ends_the_open_session_at_its_next_request(
    scim: ScimClient, uma: Membership, sign_in: SignIn
) -> None:
    made = create(scim, "uma@acme.example")
    browser = sign_in(uma)
    assert browser.get("/api/v1/me").status_code == 200
    scim.put(f"/Users/{made['id']}", user_body("uma@acme.example", active=False))
    assert browser.get("/api/v1/me").status_code == 401
    assert not SessionGrant.objects.filter(membership=uma).exists()


def test_deactivation_keeps_the_membership_in_another_organization(
    scim: ScimClient, uma: Membership, globex: Organization, sign_in: SignIn
) -> None:
    membership = people.create_membership(
        org=globex, profile=Profile(email="uma@acme.example"), origin=MembershipOrigin.INVITE, actor=ACTOR
    )
    people.join(membership=membership, user=uma.user, actor=ACTOR)
    made = create(scim, "uma@acme.example")
    browser = sign_in(uma)
    scim.put(f"/Users/{made['id']}", user_body("uma@acme.example", active=False))
    assert [org["slug"] for org in browser.get("/api/v1/me").json()["organizations"]] == ["globex"]
    assert browser.get("/orgs/acme/").status_code == 404


def test_reactivation_lifts_only_the_directorys_own_suspension(scim: ScimClient, uma: Membership) -> None:
    made = create(scim, "uma@acme.example")
    people.suspend_membership(membership=uma, source=SuspensionSource.ADMIN, actor=ACTOR)
    scim.put(f"/Users/{made['id']}", user_body("uma@acme.example", active=False))
    scim.put(f"/Users/{made['id']}", user_body("uma@acme.example", active=True))
    uma.refresh_from_db()
    assert [suspension.source for suspension in uma.suspensions.all()] == [SuspensionSource.ADMIN]
    assert uma.state == MembershipState.SUSPENDED


def test_put_with_a_new_user_name_keeps_the_old_address_as_former(scim: ScimClient) -> None:
    made = create(scim)
    scim.put(f"/Users/{made['id']}", user_body("nora.n@acme.example"))
    membership = membership_of("nora.n@acme.example")
    assert {address.address: address.kind for address in membership.addresses.all()} == {
        "nora@acme.example": "former",
        "nora.n@acme.example": "current",
    }


def test_put_with_a_taken_user_name_returns_409_and_changes_nothing(scim: ScimClient, adam: Membership) -> None:
    made = create(scim)
    assert_scim_error(scim.put(f"/Users/{made['id']}", user_body("adam@acme.example")), 409, "uniqueness")
    assert scim.get(f"/Users/{made['id']}").json() == made


def test_patch_of_a_user_changes_nothing_when_one_operation_is_refused(scim: ScimClient) -> None:
    made = create(scim)
    body = patch_body(
        {"op": "replace", "path": "displayName", "value": "Changed"}, {"op": "replace", "path": "id", "value": "x"}
    )
    assert_scim_error(scim.patch(f"/Users/{made['id']}", body), 400, "mutability")
    assert scim.get(f"/Users/{made['id']}").json() == made


def test_patch_of_one_sub_attribute_keeps_the_others(scim: ScimClient) -> None:
    made = create(scim)
    changed = scim.patch(
        f"/Users/{made['id']}", patch_body({"op": "replace", "path": "name.givenName", "value": "Eleonora"})
    ).json()
    assert changed["name"] == {"givenName": "Eleonora", "familyName": "Nilsen"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"Operations": []},
        {"Operations": "x"},
        {"Operations": [{}]},
        {"Operations": [{"op": "burn", "path": "title"}]},
        {"Operations": [{"op": "remove"}]},
        {"Operations": [{"op": "replace", "path": "emails[", "value": 1}]},
    ],
)
def test_malformed_patch_returns_400(scim: ScimClient, body: dict[str, Any]) -> None:
    response = scim.patch(f"/Users/{create(scim)['id']}", body)
    assert response.status_code == 400
    assert response.json()["scimType"] in {"invalidSyntax", "noTarget", "invalidPath", "invalidValue"}


def test_delete_user_returns_204_and_frees_the_user_name(scim: ScimClient) -> None:
    made = create(scim)
    assert scim.delete(f"/Users/{made['id']}").status_code == 204
    assert_scim_error(scim.get(f"/Users/{made['id']}"), 404)
    assert_scim_error(scim.delete(f"/Users/{made['id']}"), 404)
    assert create(scim)["id"] != made["id"]


def test_delete_user_removes_membership_account_and_mail_when_never_used(scim: ScimClient, verified: None) -> None:
    made = create(scim)
    scim.delete(f"/Users/{made['id']}")
    assert not Membership.objects.filter(email="nora@acme.example").exists()
    assert not User.objects.filter(email="nora@acme.example").exists()
    assert not invitations().filter(canceled_at=None).exists()


def test_delete_user_cancels_a_pending_invitation(scim: ScimClient) -> None:
    made = create(scim)
    scim.delete(f"/Users/{made['id']}")
    assert invitations().get().canceled_at is not None


def test_deleting_a_person_who_signed_in_suspends_the_membership(
    scim: ScimClient, verified: None, sign_in: SignIn
) -> None:
    made = create(scim)
    membership = membership_of("nora@acme.example")
    sign_in(membership)
    scim.delete(f"/Users/{made['id']}")
    membership.refresh_from_db()
    assert membership.state == MembershipState.SUSPENDED
    assert not SessionGrant.objects.filter(membership=membership).exists()


def test_create_user_reactivates_the_membership_of_a_deleted_user(scim: ScimClient, uma: Membership) -> None:
    scim.delete(f"/Users/{create(scim, 'uma@acme.example', externalId='uma-1')['id']}")
    create(scim, "uma@acme.example", externalId="uma-1")
    uma.refresh_from_db()
    assert uma.state == MembershipState.ACTIVE
    assert uma.directory_users.count() == 1


@pytest.mark.parametrize("act", ["delete", "put", "patch"])
def test_delete_and_deactivation_of_the_last_owner_are_refused(scim: ScimClient, olga: Membership, act: str) -> None:
    path = f"/Users/{create(scim, 'olga@acme.example')['id']}"
    requests = {
        "delete": lambda: scim.delete(path),
        "put": lambda: scim.put(path, user_body("olga@acme.example", active=False)),
        "patch": lambda: scim.patch(path, patch_body({"op": "replace", "value": {"active": False}})),
    }
    response = requests[act]()
    assert_scim_error(response, 409)
    assert "last active owner" in response.json()["detail"]
    olga.refresh_from_db()
    assert (olga.role, olga.state) == (Role.OWNER, MembershipState.ACTIVE)
    assert scim.get(path).json()["active"] is True


def test_delete_user_removes_one_of_two_owners(scim: ScimClient, olga: Membership, adam: Membership) -> None:
    people.grant_role(membership=adam, role=Role.OWNER, source=GrantSource.PERSON, actor=ACTOR)
    made = create(scim, "olga@acme.example")
    assert scim.delete(f"/Users/{made['id']}").status_code == 204


def test_delete_user_keeps_the_audit_events(scim: ScimClient) -> None:
    scim.delete(f"/Users/{create(scim)['id']}")
    actions = list(AuditEvent.objects.order_by("id").values_list("action", flat=True))
    assert actions[-2:] == ["membership.created", "membership.removed"]


@pytest.mark.parametrize("active", [True, False])
def test_patch_removing_active_keeps_the_membership_state(scim: ScimClient, verified: None, active: bool) -> None:
    made = create(scim, active=active)
    state = membership_of("nora@acme.example").state
    assert "active" not in scim.patch(f"/Users/{made['id']}", patch_body({"op": "remove", "path": "active"})).json()
    assert membership_of("nora@acme.example").state == state
    assert scim.get(f"/Users?filter=active eq {str(active).lower()}").json()["totalResults"] == 1


def test_put_with_a_new_user_name_keeps_the_account_address_of_an_owner(
    scim: ScimClient, verified: None, olga: Membership, adam: Membership
) -> None:
    people.grant_role(membership=adam, role=Role.OWNER, source=GrantSource.PERSON, actor=ACTOR)
    made = create(scim, "olga@acme.example")
    scim.put(f"/Users/{made['id']}", user_body("adam+x@acme.example"))
    olga.refresh_from_db()
    assert olga.email == "adam+x@acme.example"
    assert User.objects.get(pk=olga.user_id).email == "olga@acme.example"


@pytest.mark.parametrize("use", ["signed in", "password", "factor", "other address"])
def test_put_with_a_new_user_name_keeps_the_account_address_when_the_account_was_used(
    scim: ScimClient, verified: None, use: str
) -> None:
    from allauth.account.models import EmailAddress
    from allauth.mfa.models import Authenticator
    from django.utils import timezone

    made = create(scim)
    account = membership_of("nora@acme.example").user
    assert account is not None
    if use == "signed in":
        User.objects.filter(pk=account.pk).update(last_login=timezone.now())
    elif use == "password":
        account.set_password("a-password-of-her-own")
        account.save()
    elif use == "factor":
        Authenticator.objects.create(user=account, type="webauthn", data={})
    else:
        EmailAddress.objects.create(user=account, email="private@elsewhere.example", verified=True)
    scim.put(f"/Users/{made['id']}", user_body("moved@acme.example"))
    account.refresh_from_db()
    assert account.email == "nora@acme.example"
    assert EmailAddress.objects.filter(user=account, email="nora@acme.example").exists()


def test_put_with_a_new_user_name_changes_the_account_address_when_it_was_never_used(
    scim: ScimClient, verified: None
) -> None:
    made = create(scim)
    scim.put(f"/Users/{made['id']}", user_body("moved@acme.example"))
    account = membership_of("moved@acme.example").user
    assert account is not None
    assert account.email == "moved@acme.example"


@pytest.mark.parametrize("reason", ["an admin's suspension", "a person's role", "an open session"])
def test_deleting_a_user_suspends_a_membership_that_somebody_has_used_or_changed(
    scim: ScimClient, verified: None, reason: str
) -> None:
    from uuid import uuid4

    from orgs.tenancy import access
    from orgs.tenancy import services as tenancy
    from orgs.tenancy.types import SignInMethod

    made = create(scim)
    membership = membership_of("nora@acme.example")
    if reason == "an admin's suspension":
        people.suspend_membership(membership=membership, source=SuspensionSource.ADMIN, actor=ACTOR)
    elif reason == "a person's role":
        people.grant_role(membership=membership, role=Role.ADMIN, source=GrantSource.PERSON, actor=ACTOR)
    else:
        tenancy.grant_session(
            membership=membership, session=uuid4(), method=SignInMethod.PASSWORD, expires_at=access.session_expiry()
        )
    scim.delete(f"/Users/{made['id']}")
    assert SuspensionSource.SCIM in [
        suspension.source for suspension in membership_of("nora@acme.example").suspensions.all()
    ]


def test_an_admins_suspension_outlasts_delete_and_create(scim: ScimClient, verified: None) -> None:
    made = create(scim)
    people.suspend_membership(membership=membership_of("nora@acme.example"), source=SuspensionSource.ADMIN, actor=ACTOR)
    scim.delete(f"/Users/{made['id']}")
    create(scim)
    membership = Membership.objects.get(email="nora@acme.example", deprovisioned_at=None)
    assert (membership.state, [suspension.source for suspension in membership.suspensions.all()]) == (
        MembershipState.SUSPENDED,
        [SuspensionSource.ADMIN],
    )


def test_update_of_the_profile_does_not_overwrite_a_concurrent_change_of_role(
    scim: ScimClient, uma: Membership, monkeypatch: Any
) -> None:
    made = create(scim, "uma@acme.example")
    original = people.copy_profile

    def promoted_meanwhile(membership: Membership, profile: Profile) -> None:
        Membership.objects.filter(pk=membership.pk).update(role=Role.OWNER, state=MembershipState.SUSPENDED)
        original(membership, profile)

    monkeypatch.setattr("orgs.people.services.profile.copy_profile", promoted_meanwhile)
    people.update_profile(membership=uma, profile=Profile("uma@acme.example", display_name="Uma U."), actor=ACTOR)
    uma.refresh_from_db()
    assert (uma.display_name, uma.role, uma.state) == ("Uma U.", Role.OWNER, MembershipState.SUSPENDED)
    assert made["id"]


def test_name_that_is_too_long_when_case_folded_returns_400(scim: ScimClient) -> None:
    name = "\ufb2c" * 256
    assert_scim_error(scim.post("/Users", user_body(userName=name)), 400, "invalidValue")
    assert_scim_error(scim.post("/Groups", {"displayName": name}), 400, "invalidValue")


def test_deleting_a_user_suspends_a_membership_that_had_a_session_although_it_ended(
    scim: ScimClient, verified: None
) -> None:
    from uuid import uuid4

    from orgs.tenancy import access
    from orgs.tenancy import services as tenancy
    from orgs.tenancy.types import SignInMethod

    made = create(scim)
    membership, until = membership_of("nora@acme.example"), access.session_expiry()
    tenancy.grant_session(membership=membership, session=uuid4(), method=SignInMethod.PASSWORD, expires_at=until)
    scim.put(f"/Users/{made['id']}", user_body(active=False))
    scim.delete(f"/Users/{made['id']}")
    assert membership_of("nora@acme.example").state == MembershipState.SUSPENDED
