"""What changes between the look at a membership and the session: nobody gets in by what was true a moment ago."""

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from orgs.domains import services as domains
from orgs.domains.models import Domain
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy.models import Membership, SessionGrant
from orgs.tenancy.types import MembershipOrigin, Visitor
from sandbox.test_idp.authn_request import read_redirect
from sso.admission import queries as admission_queries
from sso.admission import services as admission
from sso.attempts.models import LoginAttempt
from sso.attempts.types import ClientInfo
from sso.connections import queries as connection_queries
from sso.connections import services as connections
from sso.connections.models import Connection
from sso.connections.types import SignInRules
from sso.signin import services
from sso.signin.errors import SignInRefused
from sso.signin.saml import SAML
from sso.signin.types import AnswerRequest, FinishRequest, Question
from sso.versions import services as versions
from tests import held
from tests.factories import ACTOR, UserFactory
from tests.sso.conftest import connect, verify
from tests.sso.idp import Browser

UMA = "uma@acme.example"


@pytest.fixture
def finish_request(connection, idp, uma) -> FinishRequest:
    """Uma's browser, come back with a response that was verified."""
    started = services.begin(connection=connection, protocol=SAML, return_to="")
    sent = parse_qs(urlsplit(started.request.url).query)["SAMLRequest"][0]
    answer = AnswerRequest(idp.respond(UMA, read_redirect(sent, is_signed=True)), "", ClientInfo())
    pending = services.receive(connection=connection, protocol=SAML, answer=answer)
    assert pending.pending
    return FinishRequest(pending.pending, pending.handle, (started.flow,), Visitor(), ClientInfo())


def turn_off(connection):
    connections.turn_off(connection=connection, actor=ACTOR)


def put_another_version_in_force(connection):
    versions.begin_reconfiguration(connection=connection, actor=ACTOR)
    connections.turn_on(connection=connection, actor=ACTOR, without_test=True)


@pytest.mark.parametrize(
    ("change", "error"), [(turn_off, "connection_off"), (put_another_version_in_force, "version_changed")]
)
def test_finish_is_refused_when_the_connection_changes_at_that_moment(
    connection, finish_request, monkeypatch, change, error
):
    lock = connection_queries.lock_connection

    def change_first(locked):
        monkeypatch.setattr(connection_queries, "lock_connection", lock)
        change(connection_queries.connection_at(locked.public_id))
        return lock(locked)

    monkeypatch.setattr(connection_queries, "lock_connection", change_first)
    with pytest.raises(SignInRefused, match=error):
        services.complete(connection=connection, finish_request=finish_request)
    assert not SessionGrant.objects.exists()


def test_finish_is_refused_when_the_membership_gets_another_address_at_that_moment(
    connection, uma, finish_request, monkeypatch
):
    connections.change_rules(connection=connection, rules=SignInRules(jit=True), actor=ACTOR)
    lock = people.lock_membership

    def rename_first(membership):
        Membership.objects.filter(pk=membership.pk).update(email="vera@acme.example", email_key="vera@acme.example")
        return lock(membership)

    monkeypatch.setattr(people, "lock_membership", rename_first)
    with pytest.raises(SignInRefused, match="subject_changed"):
        services.complete(
            connection=connection_queries.connection_at(connection.public_id), finish_request=finish_request
        )
    assert not SessionGrant.objects.exists()


def test_finish_is_refused_when_the_membership_moves_to_another_domain_at_that_moment(
    connection, uma, finish_request, monkeypatch
):
    verify(connection.org, "other.example")
    lock = people.lock_membership

    def move_first(membership):
        monkeypatch.setattr(people, "lock_membership", lock)
        profile = Profile(email="uma@other.example")
        people.update_profile(membership=membership, profile=profile, actor=ACTOR)
        return lock(membership)

    monkeypatch.setattr(people, "lock_membership", move_first)
    with pytest.raises(SignInRefused, match="subject_changed"):
        services.complete(connection=connection, finish_request=finish_request)
    assert not SessionGrant.objects.exists()


@pytest.mark.parametrize(("locking", "is_known"), [("lock_domains", True), ("lock_verified_domains", False)])
def test_finish_is_refused_when_the_domain_is_removed_at_that_moment(
    connection, idp, browser, monkeypatch, locking, is_known
):
    connections.change_rules(connection=connection, rules=SignInRules(jit=True), actor=ACTOR)
    if is_known:
        people.create_membership(
            org=connection.org, profile=Profile("ned@acme.example"), origin=MembershipOrigin.SCIM, actor=ACTOR
        )
    landed = browser.deliver(connection, idp.respond("ned@acme.example", browser.leave(connection)))
    lock = getattr(admission_queries, locking)

    def remove_first(*whose):
        domains.remove_domain(domain=Domain.objects.get(name_key="acme.example"), actor=ACTOR)
        monkeypatch.setattr(admission_queries, locking, lock)
        return lock(*whose)

    monkeypatch.setattr(admission_queries, locking, remove_first)
    assert browser.follow(landed).status_code == 403
    assert LoginAttempt.objects.first().error == "domain_not_verified"
    assert not SessionGrant.objects.exists()
    assert Membership.objects.filter(email="ned@acme.example").exists() == is_known


def test_finish_returns_404_when_the_connection_is_deleted_at_that_moment(connection, idp, uma, browser, monkeypatch):
    landed = browser.deliver(connection, idp.respond(UMA, browser.leave(connection)))
    lock = connection_queries.lock_connection

    def delete_first(locked):
        Connection.objects.filter(pk=locked.pk).delete()
        return lock(locked)

    monkeypatch.setattr(connection_queries, "lock_connection", delete_first)
    assert browser.follow(landed).status_code == 404
    assert not SessionGrant.objects.exists()


def test_finish_is_refused_when_the_membership_is_removed_at_that_moment(connection, uma, finish_request, monkeypatch):
    lock = people.lock_membership

    def remove_first(membership):
        monkeypatch.setattr(people, "lock_membership", lock)
        held.remove(membership)
        return lock(membership)

    monkeypatch.setattr(people, "lock_membership", remove_first)
    with pytest.raises(SignInRefused, match="not_a_member"):
        services.complete(connection=connection, finish_request=finish_request)


def test_remove_domain_ends_saml_sessions_of_its_addresses_only(connection, idp, uma, browser, sign_in):
    browser.sign_in(idp, connection, UMA)
    own = sign_in(uma)
    domains.remove_domain(domain=Domain.objects.get(name_key="acme.example"), actor=ACTOR)
    assert browser.reaches() == []
    assert own.get("/orgs/acme/").status_code == 200


def test_next_organization_with_the_domain_gets_a_new_account_for_the_same_address(
    connection, idp, globex, idp_keys, browser
):
    connections.change_rules(connection=connection, rules=SignInRules(jit=True), actor=ACTOR)
    browser.sign_in(idp, connection, "ned@acme.example")
    domains.remove_domain(domain=Domain.objects.get(name_key="acme.example"), actor=ACTOR)
    verify(globex, "acme.example")
    theirs, their_idp = connect(globex, idp_keys)
    connections.turn_on(connection=theirs, actor=ACTOR, without_test=True)
    connections.change_rules(connection=theirs, rules=SignInRules(jit=True), actor=ACTOR)
    Browser().sign_in(their_idp, theirs, "ned@acme.example")
    # acme's account of that name owns the address no more: the next owner's person has another
    former = Membership.objects.get(org=connection.org, email="ned@acme.example").user
    theirs_now = Membership.objects.get(org=globex, email="ned@acme.example").user
    assert former is not None
    assert theirs_now is not None
    assert former != theirs_now
    assert former.email_key is None


def test_a_membership_that_became_another_persons_at_that_moment_is_asked_about(
    connection, uma, finish_request, monkeypatch
):
    lock, other = people.lock_membership, UserFactory()

    def hand_over_first(membership):
        monkeypatch.setattr(people, "lock_membership", lock)
        Membership.objects.filter(pk=uma.pk).update(user=other)
        return lock(membership)

    monkeypatch.setattr(people, "lock_membership", hand_over_first)
    come_back = replace(finish_request, visitor=Visitor(uma.user.pk))
    assert isinstance(services.complete(connection=connection, finish_request=come_back), Question)
    assert not SessionGrant.objects.exists()


def test_another_membership_than_the_one_that_was_admitted_is_not_entered(connection, idp, uma, browser, monkeypatch):
    connections.change_rules(connection=connection, rules=SignInRules(jit=True), actor=ACTOR)
    admit = admission.admit

    def admit_another(*, subject, found):
        admit(subject=subject, found=found)
        return uma

    monkeypatch.setattr(admission, "admit", admit_another)
    assert browser.sign_in(idp, connection, "ned@acme.example").status_code == 403
    assert LoginAttempt.objects.latest("id").error == "subject_changed"
    assert not SessionGrant.objects.exists()
