"""A pinned certificate that has expired: its key verifies until the certificate is removed, and no other key does."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from orgs.audit.models import AuditEvent
from sso.attempts.models import LoginAttempt
from sso.connections import queries
from sso.connections.errors import CertificateUnknown, LastCertificate
from sso.connections.models import Configuration, IdpCertificate
from sso.connections.types import SignInRules, Stage
from sso.metadata import services as metadata
from sso.saml.certificates import read_certificate
from sso.versions import services as versions
from tests.factories import ACTOR
from tests.sso.conftest import connect
from tests.sso.idp import Idp
from tests.sso.saml.test_certificates import issue

UMA = "uma@acme.example"


@pytest.fixture
def expired(idp_keys) -> str:
    """A certificate of the IdP's own key, whose time is over."""
    return issue(load_pem_private_key(idp_keys.signing.key.encode(), None), days=-1)


@pytest.fixture
def pinned(connection, expired) -> None:
    """The version in force trusts that certificate, and no other."""
    found = read_certificate(expired)
    stored = IdpCertificate.objects.filter(configuration__stage=Stage.LIVE)
    stored.update(pem=found.pem, fingerprint=found.fingerprint, not_after=found.not_after)


def test_person_signs_in_when_the_pinned_certificate_has_expired(connection, pinned, idp, uma, browser):
    browser.sign_in(idp, connection, UMA)
    assert browser.reaches() == ["acme"]


def test_answer_is_refused_when_another_key_signed_it_than_the_expired_one(
    connection, pinned, idp, uma, browser, idp_keys
):
    stranger = Idp(replace(idp_keys, signing=idp_keys.other), idp.app)
    browser.sign_in(stranger, connection, UMA)
    assert browser.reaches() == []
    assert LoginAttempt.objects.latest("pk").error == "signature_invalid"


def test_answer_is_refused_when_its_expired_certificate_is_not_pinned(connection, idp, uma, browser, idp_keys, expired):
    other = read_certificate(idp_keys.other.certificate)
    IdpCertificate.objects.update(pem=other.pem, fingerprint=other.fingerprint)
    browser.sign_in(idp, connection, UMA)
    assert browser.reaches() == []


class TestRemoval:
    @pytest.fixture
    def admin(self, adam, sign_in):
        return sign_in(adam)

    @pytest.fixture
    def both(self, connection, idp_keys) -> list[str]:
        """The version in force trusts two certificates; their fingerprints."""
        live = queries.in_force(connection)
        other = read_certificate(idp_keys.other.certificate)
        IdpCertificate.objects.create(
            org=connection.org,
            configuration=live,
            pem=other.pem,
            fingerprint=other.fingerprint,
            key=other.key,
            not_before=other.not_before,
            not_after=other.not_after,
        )
        return [certificate.fingerprint for certificate in live.certificates.all().order_by("pk")]

    def url(self, connection) -> str:
        return f"/orgs/acme/settings/authentication/connections/{connection.public_id}/"

    def test_it_begins_a_version_without_the_certificate(self, connection, both):
        draft = versions.remove_certificate(connection=connection, fingerprint=both[0], actor=ACTOR)
        assert [one.fingerprint for one in draft.certificates.all()] == both[1:]
        assert queries.in_force(connection).certificates.count() == 2
        assert (draft.number, draft.tested_at) == (2, None)
        event = AuditEvent.objects.filter(action="connection.idp_changed").first()
        assert (len(event.before["certificates"]), len(event.after["certificates"])) == (2, 1)

    def test_it_takes_back_an_earlier_test_of_the_version(self, connection, both):
        draft = versions.begin_reconfiguration(connection=connection, actor=ACTOR)
        Configuration.objects.filter(pk=draft.pk).update(tested_at="2026-01-01T00:00:00Z")
        found = versions.remove_certificate(connection=connection, fingerprint=both[0], actor=ACTOR)
        assert (found.pk, found.tested_at, found.revision) == (draft.pk, None, draft.revision + 1)

    def test_the_last_one_stays(self, connection):
        only = IdpCertificate.objects.get().fingerprint
        with pytest.raises(LastCertificate):
            versions.remove_certificate(connection=connection, fingerprint=only, actor=ACTOR)
        assert queries.configuration(connection, Stage.DRAFT) is None

    def test_one_that_the_version_does_not_trust_is_unknown(self, connection, both):
        with pytest.raises(CertificateUnknown):
            versions.remove_certificate(connection=connection, fingerprint="0" * 64, actor=ACTOR)

    def test_a_connection_without_metadata_has_none(self, acme):
        made = metadata.create_connection(org=acme, name="New", rules=SignInRules(), actor=ACTOR)
        with pytest.raises(CertificateUnknown):
            versions.remove_certificate(connection=made, fingerprint="0" * 64, actor=ACTOR)

    def test_a_version_that_was_never_on_loses_its_own(self, acme, idp_keys, both):
        made, idp = connect(acme, idp_keys, name="Second")
        with pytest.raises(LastCertificate):
            versions.remove_certificate(
                connection=made, fingerprint=read_certificate(idp.keys.signing.certificate).fingerprint, actor=ACTOR
            )

    def test_the_page_offers_it_where_there_are_two(self, admin, connection, both):
        page = admin.get(self.url(connection)).content.decode()
        assert page.count("remove-certificate/") == 2
        answer = admin.post(f"{self.url(connection)}remove-certificate/", {"fingerprint": both[0]}, follow=True)
        assert "Version 2 doesn’t trust that certificate." in answer.content.decode()
        # now only one is left in the version that can be edited
        assert "remove-certificate/" not in answer.content.decode()

    def test_the_page_offers_none_where_there_is_one(self, admin, connection):
        assert "remove-certificate/" not in admin.get(self.url(connection)).content.decode()

    def test_a_problem_is_told(self, admin, connection, both):
        answer = admin.post(f"{self.url(connection)}remove-certificate/", {"fingerprint": "x"}, follow=True)
        assert "doesn’t trust that certificate any more" in answer.content.decode()
