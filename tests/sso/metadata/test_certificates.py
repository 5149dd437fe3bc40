"""Certificates that come with metadata or by hand: weak, expired, renewed, or of an authority."""

import re

import pytest

from sandbox.test_idp.keys import bare
from sso.connections import queries as connections
from sso.connections.models import Configuration, IdpCertificate
from sso.saml.certificates import read_certificate
from tests.sso.idp import SSO_URL
from tests.sso.metadata.acts import ENDED, by_file, confirm, manual, sentence_of
from tests.sso.saml.test_certificates import issue
from tests.sso.saml.test_metadata import entity, key, role
from tests.sso.saml.test_pasted_certificates import ROOT
from tests.vectors.saml.keys import stored as stored_key
from tests.vectors.saml.world import certificate_pem

WEAK_PEM = certificate_pem("weak")


def renewed(idp, idp_keys):
    """The metadata after the IdP has made a new certificate and shows no other."""
    return idp.metadata().replace(
        bare(idp_keys.signing.certificate).encode(), bare(idp_keys.other.certificate).encode()
    )


class TestRenewedCertificates:
    @pytest.fixture
    def landed(self, admin, begun, idp, idp_keys):
        confirm(admin, by_file(admin, begun, idp.metadata()))
        return by_file(admin, begun, renewed(idp, idp_keys))

    def test_preview_offers_to_keep_what_is_trusted_already(self, admin, landed):
        page = admin.get(landed["Location"]).content.decode()
        assert "Not in it, but trusted by this version" in page
        assert re.search(r'name="keeps_certificates"[^>]*checked', page)

    def test_both_are_trusted_when_the_former_one_is_kept(self, admin, landed, idp_keys):
        confirm(admin, landed, keeps_certificates="on")
        kept = [certificate.pem for certificate in IdpCertificate.objects.all()]
        assert kept == [read_certificate(pair.certificate).pem for pair in (idp_keys.signing, idp_keys.other)]

    def test_the_former_one_is_gone_when_it_is_not_kept(self, admin, landed, idp_keys):
        confirm(admin, landed)
        assert IdpCertificate.objects.get().pem == read_certificate(idp_keys.other.certificate).pem

    def test_nothing_is_offered_when_the_metadata_is_of_another_idp(self, admin, begun, idp, idp_keys):
        confirm(admin, by_file(admin, begun, idp.metadata()))
        landed = by_file(admin, begun, renewed(idp.change(idp_entity_id="urn:other"), idp_keys))
        assert "keeps_certificates" not in admin.get(landed["Location"]).content.decode()
        confirm(admin, landed, keeps_certificates="on")
        assert IdpCertificate.objects.count() == 1

    def test_nothing_is_kept_beyond_ten(self, admin, begun, idp):
        confirm(admin, by_file(admin, begun, idp.metadata()))
        many = "".join(key(issue(stored_key("idp"), days=900, name=f"{place}.example")) for place in range(10))
        document = entity(role(keys=many), entity_id=idp.app.idp_entity_id)
        confirm(admin, by_file(admin, begun, document), keeps_certificates="on")
        assert IdpCertificate.objects.count() == 10

    def test_reading_the_same_metadata_again_changes_nothing(self, admin, begun, landed, idp):
        confirm(admin, landed, keeps_certificates="on")
        before = Configuration.objects.values_list("revision", flat=True).get()
        confirm(admin, by_file(admin, begun, idp.metadata()), keeps_certificates="on")
        assert Configuration.objects.values_list("revision", flat=True).get() == before

    def test_it_is_not_kept_without_being_asked_when_the_list_was_typed(self, admin, begun, landed, idp, idp_keys):
        confirm(admin, landed, keeps_certificates="on")
        typed = {"entity_id": idp.app.idp_entity_id, "sign_in_url": SSO_URL}
        page = admin.get(manual(admin, begun, **typed, certificate=idp_keys.other.certificate)["Location"])
        assert re.search(r'name="keeps_certificates"(?![^>]*checked)', page.content.decode())


class TestExpiredCertificates:
    @pytest.fixture
    def landed(self, admin, begun):
        return by_file(admin, begun, entity(role(keys=key(ENDED))))

    def test_preview_says_it_and_asks(self, admin, landed):
        page = admin.get(landed["Location"]).content.decode()
        assert "Certificate expired" in page
        assert "Expired on" in page
        assert 'name="accepts_expired"' in page

    def test_it_is_not_taken_without_a_confirmation(self, admin, begun, landed):
        refused = confirm(admin, landed)
        assert (refused.status_code, "Confirm it, or renew" in sentence_of(refused, "accepts_expired")) == (400, True)
        assert not connections.in_preparation(begun).has_idp

    def test_it_is_taken_when_it_is_confirmed(self, admin, begun, landed):
        assert confirm(admin, landed, accepts_expired="on").status_code == 302
        assert IdpCertificate.objects.get().has_expired

    def test_it_is_taken_when_it_was_typed_and_confirmed(self, admin, begun):
        landed = manual(admin, begun, entity_id="urn:one", sign_in_url=SSO_URL, certificate=ENDED)
        assert confirm(admin, landed, accepts_expired="on").status_code == 302

    def test_nothing_is_asked_beside_a_current_one(self, admin, begun, idp_keys):
        landed = by_file(admin, begun, entity(role(keys=key(ENDED) + key(idp_keys.signing.certificate))))
        page = admin.get(landed["Location"]).content.decode()
        assert "accepts_expired" not in page
        assert "because they have expired: 1." in page


def test_bad_certificate_is_named_when_a_good_one_was_pasted_with_it(admin, begun, idp_keys):
    both = WEAK_PEM + idp_keys.signing.certificate
    landed = manual(admin, begun, entity_id="urn:one", sign_in_url=SSO_URL, certificate=both)
    page = admin.get(landed["Location"]).content.decode()
    assert "won’t be accepted, because their keys are too weak: 1." in page
    assert confirm(admin, landed).status_code == 302
    assert IdpCertificate.objects.count() == 1


def test_authority_is_pointed_out_beside_the_certificate_of_the_idp(admin, begun, idp_keys):
    page = admin.get(by_file(admin, begun, entity(role(keys=key() + key(ROOT))))["Location"]).content.decode()
    assert "The certificate of an authority is among them, and its key will be accepted, too: CN=root." in page
