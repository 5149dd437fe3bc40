"""A Name ID that is in the way can be forgotten: by an admin of the organization from the refused sign-in, and by staff."""

import pytest
from django.urls import reverse

from orgs.audit.models import AuditEvent
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy.models import SessionGrant
from sso.admission.errors import SubjectChanged
from sso.attempts.models import LoginAttempt
from sso.attempts.types import SUBJECT_CHANGED
from sso.connections import services
from sso.connections.errors import IdentityUnknown
from sso.connections.models import SamlIdentity
from tests.factories import ACTOR
from tests.portal.test_support import seed, sue, support  # noqa: F401 - fixtures
from tests.sso.conftest import connect, verify
from tests.sso.idp import Browser, IdpNameIdFormat, NameIdSource

UMA = "uma@acme.example"


def named(idp, name_id):
    return idp.change(name_id_format=IdpNameIdFormat.PERSISTENT, name_id=NameIdSource.CUSTOM, custom_name_id=name_id)


@pytest.fixture
def refused(connection, idp, uma) -> LoginAttempt:
    """Uma was known as u-17; the app was made anew, and calls her u-99."""
    Browser().sign_in(named(idp, "u-17"), connection, UMA)
    assert Browser().sign_in(named(idp, "u-99"), connection, UMA).status_code == 403
    attempt = LoginAttempt.objects.first()
    assert attempt.error == "subject_changed"
    return attempt


@pytest.fixture
def admin(adam, sign_in):
    return sign_in(adam)


def url(attempt, act="") -> str:
    return f"/orgs/acme/settings/sign-in-log/{attempt.public_id}/{act}"


def shown(client, attempt) -> str:
    return " ".join(client.get(url(attempt)).content.decode().split())


def test_subject_changed_code_is_the_one_that_the_attempt_page_looks_for():
    assert SubjectChanged.code == SUBJECT_CHANGED
    assert "Forget this Name ID" in SubjectChanged.private
    assert len(SubjectChanged.private) <= 300


def test_attempt_page_names_the_member_and_the_name_id_to_forget(refused, admin, uma):
    page = shown(admin, refused)
    for said in (
        "<code>u-17</code>",
        "<code>u-99</code>",
        f">{uma}</b> (User)",
        UMA,
        "Forget this Name ID",
        "same person",
    ):
        assert said in page


def test_next_sign_in_links_the_new_name_id_after_an_admin_forgot_the_old_one(refused, admin, connection, idp, uma):
    identity = SamlIdentity.objects.get()
    answer = admin.post(url(refused, "forget/"), {"identity": identity.pk}, follow=True)
    assert "“u-17” is forgotten. The next sign-in links anew." in answer.content.decode()
    one = Browser()
    one.sign_in(named(idp, "u-99"), connection, UMA)
    assert one.reaches() == ["acme"]
    assert SamlIdentity.objects.get().name_id == "u-99"


def test_forgetting_one_of_two_says_that_the_other_is_still_linked(refused, admin, connection, uma):
    services.remember_identity(connection=connection, membership=uma, name_id="u-18", name_id_format="x", actor=ACTOR)
    first = SamlIdentity.objects.get(name_id="u-17")
    answer = admin.post(url(refused, "forget/"), {"identity": first.pk}, follow=True)
    assert "“u-17” is forgotten. Another Name ID is still linked" in answer.content.decode()


def test_remember_identity_is_audited_once_when_the_name_id_is_linked_to_that_member(connection, uma):
    for _ in range(2):
        services.remember_identity(
            connection=connection, membership=uma, name_id="u-18", name_id_format="x", actor=ACTOR
        )
    assert AuditEvent.objects.filter(action="membership.identity_linked").count() == 1


def test_forget_name_id_is_audited(refused, admin, adam, uma):
    admin.post(url(refused, "forget/"), {"identity": SamlIdentity.objects.get().pk})
    event = AuditEvent.objects.get(action="membership.identity_forgotten")
    assert (event.actor_label, event.target_id, event.before["name_id"]) == (adam.email, str(uma.public_id), "u-17")


def test_attempt_page_has_no_forget_button_once_the_name_id_is_forgotten(refused, admin):
    admin.post(url(refused, "forget/"), {"identity": SamlIdentity.objects.get().pk})
    assert "Forget a Name ID" not in shown(admin, refused)


@pytest.mark.parametrize("named_id", ["", "0", "nonsense", "999999"])
def test_forget_name_id_keeps_the_identity_when_the_posted_id_is_unknown(refused, admin, named_id):
    answer = admin.post(url(refused, "forget/"), {"identity": named_id}, follow=True)
    assert "isn’t linked to that member any more" in answer.content.decode()
    assert SamlIdentity.objects.filter(name_id="u-17").exists()


def test_forget_name_id_keeps_the_identity_of_another_member(refused, admin, connection, idp, adam):
    Browser().sign_in(named(idp, "a-1"), connection, adam.email)
    admin.post(url(refused, "forget/"), {"identity": SamlIdentity.objects.get(name_id="a-1").pk})
    assert SamlIdentity.objects.filter(name_id="a-1").exists()


def test_forget_name_id_keeps_the_identity_of_another_organization(refused, admin, globex, greta, idp_keys):
    verify(globex, "globex.example")
    theirs, _ = connect(globex, idp_keys)
    services.remember_identity(connection=theirs, membership=greta, name_id="u-17", name_id_format="x", actor=ACTOR)
    admin.post(url(refused, "forget/"), {"identity": SamlIdentity.objects.get(org=globex).pk})
    assert SamlIdentity.objects.filter(org=globex).exists()


def test_forget_name_id_returns_404_for_another_organizations_attempt(refused, greta, sign_in):
    there = url(refused, "forget/").replace("/acme/", "/globex/")
    answer = sign_in(greta).post(there, {"identity": SamlIdentity.objects.get().pk})
    assert (answer.status_code, SamlIdentity.objects.count()) == (404, 1)


def test_forget_name_id_returns_403_for_a_member_who_is_no_admin(refused, uma, sign_in):
    assert sign_in(uma).post(url(refused, "forget/"), {"identity": SamlIdentity.objects.get().pk}).status_code == 403


def test_attempt_page_offers_to_forget_a_name_id_linked_to_another_member(connection, idp, uma, adam, admin):
    Browser().sign_in(named(idp, "u-17"), connection, UMA)
    assert Browser().sign_in(named(idp, "u-17"), connection, adam.email).status_code == 403
    page = shown(admin, LoginAttempt.objects.first())
    assert f'of <b class="wrap-anywhere">{uma}</b>' in page
    assert "(Admin)" in page


def test_attempt_page_has_no_forget_button_when_the_name_id_is_another_members_address(
    connection, idp, uma, adam, admin
):
    Browser().sign_in(named(idp, "u-17"), connection, UMA)
    assert Browser().sign_in(named(idp, adam.email), connection, UMA).status_code == 403
    assert "Forget a Name ID" not in shown(admin, LoginAttempt.objects.first())


def test_attempt_page_has_no_forget_button_when_no_member_has_the_address(refused, admin, uma):
    people.update_profile(membership=uma, profile=Profile("renamed@acme.example"), actor=ACTOR)
    assert "Forget a Name ID" not in shown(admin, refused)


def test_attempt_page_has_no_forget_button_when_the_received_name_id_is_linked_by_now(refused, admin, connection, uma):
    SamlIdentity.objects.update(name_id="u-99")
    assert "Forget a Name ID" not in shown(admin, refused)


def test_attempt_page_has_no_forget_button_when_the_connection_is_deleted(refused, admin, connection):
    services.delete_connection(connection=connection, typed_name=connection.name, actor=ACTOR)
    assert "Forget a Name ID" not in shown(admin, refused)


def test_attempt_page_has_no_forget_button_for_another_refusal(connection, idp, admin):
    Browser().sign_in(idp, connection, "eve@acme.example")
    assert "Forget a Name ID" not in shown(admin, LoginAttempt.objects.first())


def test_forget_identity_raises_when_it_is_linked_to_another_member_by_now(refused, connection, uma, adam):
    SamlIdentity.objects.update(membership=adam)
    with pytest.raises(IdentityUnknown):
        services.forget_identity(connection=connection, membership=uma, name_id="u-17", actor=ACTOR)
    assert not AuditEvent.objects.filter(action="membership.identity_forgotten").exists()


class TestStaff:
    LIST = "admin:sso_samlidentity_changelist"

    def post(self, client, **more):
        chosen = {"action": "forget_name_id", "_selected_action": SamlIdentity.objects.get().pk}
        return client.post(reverse(self.LIST), chosen | more)

    def test_staff_action_asks_before_it_forgets_a_name_id(self, refused, support):  # noqa: F811
        page = self.post(support).content.decode()
        for said in ("u-17", UMA, "is taken for that member"):
            assert said in page
        assert SamlIdentity.objects.exists()

    def test_staff_action_forgets_a_name_id_and_is_audited_as_staff(self, refused, support, sue):  # noqa: F811
        assert self.post(support, confirmed="yes").status_code == 302
        assert not SamlIdentity.objects.exists()
        event = AuditEvent.objects.get(action="membership.identity_forgotten")
        assert (event.actor_kind, event.actor_label) == ("staff", sue.email)

    def test_staff_action_says_when_the_name_id_was_forgotten_by_somebody_else(self, refused, support, monkeypatch):  # noqa: F811
        def gone(**order):
            raise IdentityUnknown

        monkeypatch.setattr(services, "forget_identity", gone)
        self.post(support, confirmed="yes")
        assert "isn’t linked to that member any more" in support.get(reverse(self.LIST)).content.decode()

    @pytest.mark.parametrize("action", ["delete_selected", "", "nonsense"])
    def test_staff_list_returns_403_for_any_other_action(self, refused, support, action):  # noqa: F811
        assert self.post(support, action=action, confirmed="yes").status_code == 403
        assert SamlIdentity.objects.exists()

    def test_staff_action_returns_404_for_an_owner_who_is_not_staff(self, refused, olga, sign_in):
        assert self.post(sign_in(olga), confirmed="yes").status_code == 404
        assert SamlIdentity.objects.exists()


def test_forget_name_id_keeps_open_sessions(refused, admin):
    before = SessionGrant.objects.count()
    admin.post(url(refused, "forget/"), {"identity": SamlIdentity.objects.get().pk})
    assert SessionGrant.objects.count() == before
