"""Taking a certificate out of a connection: the admin is asked, and exactly the sessions that it opened end."""

from dataclasses import replace

import pytest

from orgs.audit.models import AuditEvent
from orgs.base.clock import now
from orgs.tenancy.models import SessionGrant
from orgs.tenancy.types import SignInMethod
from sso.connections import queries, services
from sso.connections.models import Configuration, IdpCertificate
from sso.connections.types import CertificateRemoval, EndSessions, RemovalReason
from sso.identity.types import as_json, from_json
from sso.saml.certificates import read_certificate
from sso.versions import services as versions
from sso.versions.services import _trust
from tests.factories import ACTOR
from tests.sso.idp import Browser, Idp, Signs

UMA = "uma@acme.example"


@pytest.fixture
def fingerprints(idp_keys) -> list[str]:
    return [read_certificate(pair.certificate).fingerprint for pair in (idp_keys.signing, idp_keys.other)]


@pytest.fixture
def connection(connection, idp_keys):
    """Acme's connection, which trusts two certificates."""
    trusted = [read_certificate(pair.certificate) for pair in (idp_keys.signing, idp_keys.other)]
    _trust(Configuration.objects.get(), trusted)
    return connection


@pytest.fixture
def later(idp, idp_keys) -> Idp:
    """The IdP after it has changed its key."""
    return Idp(replace(idp_keys, signing=idp_keys.other, other=idp_keys.signing), idp.app)


@pytest.fixture
def sessions(connection, idp, later, uma, adam) -> tuple[Browser, Browser]:
    """Two browsers: the first was signed in by the first certificate, the second by the second."""
    first, second = Browser(), Browser()
    first.sign_in(idp, connection, UMA)
    second.sign_in(later, connection, adam.email)
    return first, second


@pytest.fixture
def next_version(connection, fingerprints) -> Configuration:
    """A tested version that doesn't trust the first certificate any more."""
    draft = versions.begin_reconfiguration(connection=connection, actor=ACTOR)
    IdpCertificate.objects.filter(configuration=draft, fingerprint=fingerprints[0]).delete()
    Configuration.objects.filter(pk=draft.pk).update(tested_at=now())
    draft.refresh_from_db()
    return draft


def removal(reason, end=EndSessions.BY_REASON):
    return CertificateRemoval(RemovalReason(reason), EndSessions(end))


def test_sign_in_stores_the_fingerprint_of_the_signing_certificate_on_the_session_grant(sessions, fingerprints):
    found = SessionGrant.objects.filter(method=SignInMethod.SAML).order_by("pk")
    assert list(found.values_list("certificates", flat=True)) == fingerprints


def test_sign_in_with_two_signatures_by_one_key_stores_its_fingerprint_once(
    connection, idp, uma, browser, fingerprints
):
    browser.sign_in(idp.change(signs=Signs.BOTH), connection, UMA)
    assert SessionGrant.objects.get(method=SignInMethod.SAML).certificates == fingerprints[0]


@pytest.mark.parametrize(
    ("reason", "end", "left"),
    [
        ("compromised", "by_reason", []),
        ("compromised", "yes", []),
        ("compromised", "no", ["acme"]),
        ("replaced", "by_reason", ["acme"]),
        ("replaced", "yes", []),
        ("replaced", "no", ["acme"]),
    ],
)
def test_turn_on_ends_exactly_the_sessions_of_the_removed_certificate(
    connection, sessions, next_version, reason, end, left
):
    services.turn_on(connection=connection, removal=removal(reason, end), actor=ACTOR)
    assert [one.reaches() for one in sessions] == [left, ["acme"]]


def test_turn_on_audits_removed_certificates_reason_and_number_of_ended_sessions(
    connection, sessions, next_version, fingerprints
):
    services.turn_on(connection=connection, removal=removal("compromised"), actor=ACTOR)
    after = AuditEvent.objects.filter(action="connection.turned_on").first().after
    assert after["certificates_removed"] == [fingerprints[0]]
    assert (after["reason"], after["sessions_ended"]) == ("compromised", 1)


def test_turn_on_without_an_answer_keeps_the_sessions(connection, sessions, next_version):
    services.turn_on(connection=connection, actor=ACTOR)
    assert sessions[0].reaches() == ["acme"]
    assert AuditEvent.objects.filter(action="connection.turned_on").first().after["reason"] == ""


def test_turn_on_keeps_sessions_when_the_version_removes_no_certificate(connection, sessions):
    versions.begin_reconfiguration(connection=connection, actor=ACTOR)
    services.turn_on(connection=connection, removal=removal("compromised"), actor=ACTOR, without_test=True)
    assert [one.reaches() for one in sessions] == [["acme"], ["acme"]]
    assert "certificates_removed" not in AuditEvent.objects.filter(action="connection.turned_on").first().after


def test_turn_on_keeps_sessions_of_another_organization_with_the_same_certificate(
    connection, sessions, next_version, globex, greta
):
    grant = SessionGrant.objects.filter(method=SignInMethod.SAML).first()
    SessionGrant.objects.create(
        org=globex,
        membership=greta,
        session="00000000-0000-4000-8000-000000000001",
        method=SignInMethod.SAML,
        connection=grant.connection,
        certificates=grant.certificates,
        expires_at=grant.expires_at,
    )
    services.turn_on(connection=connection, removal=removal("compromised"), actor=ACTOR)
    assert SessionGrant.objects.filter(org=globex, method=SignInMethod.SAML).count() == 1


class TestThePage:
    @pytest.fixture
    def admin(self, olga, sign_in):
        return sign_in(olga)

    @pytest.fixture
    def post(self, admin, connection, next_version):
        url = f"/orgs/acme/settings/authentication/connections/{connection.public_id}/on/"
        seen = {"number": next_version.number, "revision": next_version.revision}
        return lambda **given: admin.post(url, seen | given)

    def test_turn_on_page_asks_about_sessions_opened_with_the_removed_certificate(
        self, sessions, post, connection, fingerprints
    ):
        page = post().content.decode()
        for shown in ("End the sessions of this certificate?", "<b>1 session</b>", fingerprints[0], "(recommended)"):
            assert shown in page
        assert fingerprints[1] not in page
        assert queries.in_force(connection).number == 1

    def test_turn_on_page_ends_sessions_by_default_when_the_reason_is_compromised(self, sessions, post):
        assert post(reason="compromised", end_sessions="by_reason").status_code == 302
        assert [one.reaches() for one in sessions] == [[], ["acme"]]

    def test_turn_on_page_returns_400_with_a_message_when_the_reason_is_missing(self, sessions, post, connection):
        page = post(end_sessions="by_reason")
        assert (page.status_code, "Choose why the certificate is removed" in page.content.decode()) == (400, True)
        assert queries.in_force(connection).number == 1

    def test_turn_on_page_asks_nothing_when_the_removed_certificate_opened_no_session(self, post, connection):
        assert post().status_code == 302
        assert queries.in_force(connection).number == 2


def test_stored_claims_without_certificates_are_read_with_none(connection, idp, uma, browser):
    from sso.signin.models import PendingSignIn

    browser.deliver(connection, idp.respond(UMA, browser.leave(connection)))
    plain = PendingSignIn.objects.get().claims
    assert from_json(as_json(from_json(plain))) == from_json(plain)
    del plain["certificates"]
    assert from_json(plain).certificates == ()
