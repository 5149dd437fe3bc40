"""Metadata by URL, by file and by hand: what is wrong is said at the field, what was read is shown, then it is used."""

from datetime import timedelta

import pytest
import time_machine

from orgs.base.clock import now
from sandbox.test_idp.keys import bare
from sso.connections import queries as connections
from sso.connections.models import Configuration
from sso.connections.types import Binding
from sso.metadata import queries, services
from sso.metadata.models import MetadataSnapshot
from sso.metadata.types import MAX_SNAPSHOTS, CertificatesExpired, MetadataRefused, TypedIdp
from tests.factories import ACTOR
from tests.orgs.servers import plain, serving
from tests.sso.conftest import connect
from tests.sso.idp import SSO_URL, Idp
from tests.sso.metadata.acts import ENDED, begin, by_file, confirm, error_of, manual, sentence_of, url
from tests.sso.saml.test_metadata import WEAK, entity, key, role, service
from tests.vectors.saml.world import private_pem


def by_url(admin, connection, document, path="/metadata"):
    with serving(plain(body=document)) as server:
        return admin.post(url(connection), {"way": "url", "url": server.url(path)})


def stored(connection):
    version = connections.in_preparation(connection)
    names = ("idp_entity_id", "redirect_url", "post_url", "name_id_format", "attribute_map")
    certificates = version.certificates.values_list("fingerprint", "pem", "subject", "not_after", "key")
    return {name: getattr(version, name) for name in names} | {"certificates": list(certificates)}


def brought(admin, connection, idp, way):
    """Bring the metadata in one of the three ways; return what is stored."""
    if way == "manual":
        certificate = idp.keys.signing.certificate
        landed = manual(admin, connection, entity_id="urn:one", sign_in_url=SSO_URL, certificate=certificate)
    else:
        landed = (by_url if way == "url" else by_file)(admin, connection, idp.metadata())
    assert confirm(admin, landed).status_code == 302
    return stored(connection)


def test_metadata_by_url_file_and_form_gives_identical_versions(admin, acme, idp_keys):
    ways = []
    for way in ("url", "file", "manual"):
        connection = begin(acme, way)
        idp = Idp.for_connection(idp_keys, connection, declares_redirect=False, idp_entity_id="urn:one")
        ways.append(brought(admin, connection, idp, way))
    assert ways[0] == ways[1] == ways[2]
    assert ways[0]["post_url"] == SSO_URL


def test_metadata_source_and_url_are_stored(admin, begun, idp):
    confirm(admin, by_url(admin, begun, idp.metadata()))
    version = connections.in_preparation(begun)
    assert version.metadata_source == "url"
    assert version.metadata_url.startswith("http://127.0.0.1:")


class TestThePreview:
    def test_preview_shows_what_was_read_and_saves_nothing(self, admin, begun, idp):
        landed = by_file(admin, begun, idp.metadata())
        page = admin.get(landed["Location"]).content.decode()
        for shown in (idp.app.idp_entity_id, SSO_URL, "HTTP-POST", "SHA-256", "Ends on", "RSA 2048"):
            assert shown in page
        assert not connections.in_preparation(begun).has_idp

    @pytest.mark.parametrize(
        ("make", "said"),
        [
            (lambda idp: idp.change(idp_entity_id="urn:other").metadata(), "is not the one that we suggested"),
            (lambda idp: idp.metadata(), "It offers HTTP-POST only"),
            (lambda idp: idp.metadata().replace(b"sso.jumpcloud.com", b"acme.okta.com"), "looks like metadata of Okta"),
        ],
        ids=["another entity ID", "POST only", "another provider"],
    )
    def test_preview_shows_remarks_about_the_metadata(self, admin, begun, idp, make, said):
        page = admin.get(by_file(admin, begun, make(idp))["Location"]).content.decode()
        assert said in page

    def test_preview_says_that_another_connection_has_the_same_entity_id(self, admin, acme, begun, idp, idp_keys):
        connect(acme, idp_keys, name="Elsewhere", idp_entity_id="urn:shared")
        landed = by_file(admin, begun, idp.change(idp_entity_id="urn:shared").metadata())
        assert (
            "Another connection has the same IdP Entity ID: Elsewhere" in admin.get(landed["Location"]).content.decode()
        )

    def test_preview_counts_signing_certificates(self, admin, begun, idp, idp_keys):
        other = f"<ds:X509Certificate>{bare(idp_keys.other.certificate)}</ds:X509Certificate></ds:X509Data>"
        document = idp.metadata().replace(b"</ds:X509Data>", other.encode())
        page = admin.get(by_file(admin, begun, document)["Location"]).content.decode()
        assert "It holds 2 signing certificates" in page

    def test_preview_counts_each_refused_certificate_once(self, admin, begun, idp):
        others = "".join(f"<ds:X509Certificate>{bare(one)}</ds:X509Certificate>" for one in (ENDED, ENDED, WEAK))
        document = idp.metadata().replace(b"</ds:X509Data>", f"{others}</ds:X509Data>".encode())
        page = admin.get(by_file(admin, begun, document)["Location"]).content.decode()
        assert "that won’t be accepted, because they have expired: 1." in page
        assert "that won’t be accepted, because their keys are too weak: 1." in page

    def test_preview_has_no_remark_when_all_certificates_are_accepted(self, admin, begun, idp):
        assert "won’t be accepted" not in admin.get(by_file(admin, begun, idp.metadata())["Location"]).content.decode()

    def test_preview_warns_of_a_certificate_that_expires_soon(self, begun, idp):
        snapshot = services.take_document(connection=begun, document=idp.metadata())
        with time_machine.travel(now() + timedelta(days=5 * 365 - 20), tick=False):
            texts = [
                remark.text
                for remark in queries.remarks(connections.in_preparation(begun), queries.read_snapshot(snapshot))
            ]
        assert any("The signing certificate ends on" in text for text in texts)

    def test_a_certificate_that_ends_between_the_look_and_the_click_is_asked_about(self, begun, idp):
        snapshot = services.take_document(connection=begun, document=idp.metadata())
        later = now() + timedelta(days=6 * 365)
        with time_machine.travel(later, tick=False), pytest.raises(CertificatesExpired):
            services.use_snapshot(connection=begun, snapshot=snapshot, revision=2, actor=ACTOR)

    def test_preview_post_says_that_somebody_else_changed_the_connection(self, admin, begun, idp):
        landed = by_file(admin, begun, idp.metadata())
        refused = admin.post(landed["Location"], {"revision": "1"}, follow=True)
        assert "Somebody else changed this connection" in refused.content.decode()

    @pytest.mark.parametrize("revision", ["", "x", "-1"])
    def test_preview_post_without_a_valid_revision_returns_400(self, admin, begun, idp, revision):
        landed = by_file(admin, begun, idp.metadata())
        assert admin.post(landed["Location"], {"revision": revision}).status_code == 400

    def test_preview_of_another_connections_snapshot_is_not_shown(self, admin, acme, begun, idp):
        other = begin(acme, "Other")
        snapshot = services.take_document(connection=other, document=idp.metadata())
        refused = admin.get(url(begun, f"{snapshot.public_id}/"), follow=True)
        assert "not here any more" in refused.content.decode()

    def test_take_document_keeps_the_newest_twenty_snapshots(self, begun, idp):
        for _ in range(25):
            services.take_document(connection=begun, document=idp.metadata())
        assert MetadataSnapshot.objects.count() == MAX_SNAPSHOTS == 20


PLAIN = "<md:SingleSignOnService Binding='urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST' Location='http://x.example'/>"


FILES = {
    "a web page": (b"<!doctype html><html></html>", "This is a web page, perhaps a page to sign in, not metadata"),
    "10 MB": (b"<a>" + b"x" * 10_000_000 + b"</a>", "larger than 1 MB"),
    "two IdPs": (
        f"<x xmlns:md='urn:oasis:names:tc:SAML:2.0:metadata'>{entity()}{entity()}</x>",
        "several identity providers",
    ),
    "no signing key": (entity(role(keys="")), "no signing certificate in it"),
    "a weak key": (entity(role(keys=key(WEAK))), "signing key can’t be trusted"),
    "a DTD": (f"<!DOCTYPE x>{entity()}", "holds a DTD or entities"),
    "our own": (entity("<x/>"), "describes no identity provider"),
    "rubbish": ("rubbish", "well-formed XML"),
    "nothing": (b"", "This file is empty"),
    "what has ended": (entity(until=' validUntil="2020-01-01T00:00:00Z"'), "no longer valid"),
    "a plain address": (entity(role(services=PLAIN)), "must begin with https://"),
}


class TestWhatIsWrong:
    @pytest.mark.parametrize("name", FILES)
    def test_refused_file_shows_the_reason_at_the_file_field(self, admin, begun, name):
        document, said = FILES[name]
        refused = by_file(admin, begun, document)
        assert (refused.status_code, said in error_of(refused, "document")) == (400, True)

    @pytest.mark.parametrize("name", [name for name in FILES if name != "nothing"])
    def test_refused_document_of_a_url_shows_the_reason_at_the_url_field_and_keeps_the_url(self, admin, begun, name):
        document, said = FILES[name]
        refused = by_url(admin, begun, document if isinstance(document, bytes) else document.encode())
        assert (refused.status_code, bool(error_of(refused, "url"))) == (400, True)
        assert name == "10 MB" or said in error_of(refused, "url")
        assert 'value="http://127.0.0.1:' in refused.content.decode()

    @pytest.mark.parametrize(
        ("address", "said"),
        [
            ("", "Paste the metadata URL"),
            ("nonsense", "isn’t a web address"),
            ("http://1.1.1.1/x", "must begin with https://"),
            ("https://10.0.0.1/x", "leads into a private network"),
            ("https://169.254.169.254/latest", "leads into a private network"),
            ("https://olga:secret@idp.example/x", "holds a user name or a password"),
            ("ftp://x.example", "must begin with https://"),
        ],
    )
    def test_refused_url_shows_the_reason_at_the_url_field_and_keeps_the_url(self, admin, begun, address, said):
        refused = admin.post(url(begun), {"way": "url", "url": address})
        assert (refused.status_code, said in sentence_of(refused, "url")) == (400, True)
        assert f'value="{address}"' in refused.content.decode() or not address

    def test_fetch_does_not_follow_a_redirect_into_a_private_network(self, admin, begun):
        with serving(plain(302, Location="http://10.0.0.1/metadata")) as server:
            refused = admin.post(url(begun), {"way": "url", "url": server.url()})
        assert "sends us on to another address, which can’t be called" in sentence_of(refused, "url")

    def test_fetch_refuses_loopback_addresses_outside_the_sandbox(self, admin, begun, idp, settings):
        settings.OUTBOUND_ALLOWS_LOOPBACK = False
        assert error_of(by_url(admin, begun, idp.metadata()), "url")

    def test_file_form_without_a_file_shows_a_message(self, admin, begun):
        refused = admin.post(url(begun), {"way": "file"})
        assert "Choose the XML file" in error_of(refused, "document")

    @pytest.mark.parametrize(
        ("field", "text"),
        [
            ("entity_id", ""),
            ("entity_id", "a\x07b"),
            ("sign_in_url", "http://idp.example"),
            ("sign_in_url", "javascript:alert(1)"),
            ("certificate", ""),
            ("certificate", "no certificate"),
            ("certificate", WEAK),
            ("binding", "urn:none"),
        ],
    )
    def test_manual_form_shows_the_reason_at_the_invalid_field_and_keeps_the_others(
        self, admin, begun, idp_keys, field, text
    ):
        good = {"entity_id": "urn:one", "sign_in_url": SSO_URL, "certificate": idp_keys.signing.certificate}
        refused = manual(admin, begun, **{**good, field: text})
        assert (refused.status_code, bool(error_of(refused, field))) == (400, True)
        assert "urn:one" in refused.content.decode() or field == "entity_id"
        assert not MetadataSnapshot.objects.exists()

    def test_pasted_private_key_is_refused_and_neither_shown_nor_stored(self, admin, begun):
        typed = {"entity_id": "urn:one", "sign_in_url": SSO_URL}
        refused = manual(admin, begun, **typed, certificate=private_pem("idp").decode())
        assert "A private key is in this text" in error_of(refused, "certificate")
        shown = refused.content.decode() + admin.get(url(begun, "?way=manual")).content.decode()
        assert "urn:one" in shown
        assert "PRIVATE KEY" not in shown + str(dict(admin.session))

    def test_take_typed_refuses_a_malformed_certificate(self, begun):
        with pytest.raises(MetadataRefused):
            services.take_typed(connection=begun, typed=TypedIdp("urn:x", SSO_URL, Binding.POST, "rubbish"))


class TestBackAndForth:
    def test_manual_form_keeps_typed_values_after_the_back_button(self, admin, begun):
        back = manual(admin, begun, back="yes", entity_id="urn:half", sign_in_url="", certificate="")
        assert back["Location"].endswith("/setup/attributes/")
        assert 'value="urn:half"' in admin.get(url(begun, "?way=manual")).content.decode()

    def test_metadata_step_continues_with_the_current_metadata_unchanged(self, admin, begun, idp):
        confirm(admin, by_file(admin, begun, idp.metadata()))
        before = Configuration.objects.values_list("revision", "idp_entity_id").get()
        assert admin.post(url(begun), {"keep": "yes"})["Location"].endswith("/setup/domain/")
        assert Configuration.objects.values_list("revision", "idp_entity_id").get() == before


def test_endpoints_that_are_not_used_are_named(admin, begun):
    services_ = service("http://idp.example/plain") + service()
    page = admin.get(by_file(admin, begun, entity(role(services=services_)))["Location"]).content.decode()
    assert "because a browser can’t be sent there: http://idp.example/plain" in page


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "iso-8859-1"])
def test_metadata_in_another_encoding_is_kept_as_it_is_read_again(admin, begun, encoding):
    declared = "UTF-16" if encoding.startswith("utf") else encoding
    document = f'<?xml version="1.0" encoding="{declared}"?>{entity(entity_id="urn:café")}'.encode(encoding)
    confirm(admin, by_file(admin, begun, document))
    assert MetadataSnapshot.objects.get().document.startswith('<?xml version="1.0" encoding="UTF-8"?>')
    assert connections.in_preparation(begun).idp_entity_id == "urn:café"
