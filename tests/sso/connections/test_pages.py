"""The pages of one connection, and what may be done there."""

import base64
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from django.test import Client
from lxml import etree

from orgs.base.clock import now
from sso.connections import queries, services
from sso.connections.models import Configuration, Connection, IdpCertificate
from sso.connections.types import ConnectionState, SignInRules
from sso.metadata import services as metadata
from sso.versions import services as versions
from tests.factories import ACTOR


@pytest.fixture
def admin(adam, sign_in) -> Client:
    return sign_in(adam)


def url(connection, act="") -> str:
    return f"/orgs/acme/settings/authentication/connections/{connection.public_id}/{act}"


def text_of(response) -> str:
    return response.content.decode()


def shown_of(connection) -> dict[str, str]:
    return {"shown": queries.settings_etag(Connection.objects.get(pk=connection.pk))}


def shown_in(response) -> dict[str, str]:
    found = re.search(r'name="shown" value="([0-9a-f]+)"', text_of(response))
    return {"shown": found[1] if found else ""}


def test_connection_page_shows_values_test_switch_and_directory(admin, connection):
    page = text_of(admin.get(url(connection)))
    for shown in ("SCIM Base URL", "Generate bearer token", "SP Entity ID", "Test sign-in", "Turn off", "Danger zone"):
        assert shown in page


def test_connection_page_redirects_to_the_current_step_when_setup_is_unfinished(admin, acme, olga):
    made = metadata.create_connection(org=acme, name="Begun", rules=SignInRules(), actor=ACTOR)
    assert admin.get(url(made))["Location"] == url(made, "setup/provider/")


def test_turn_on_is_refused_with_a_reason_before_a_test_has_passed(admin, draft):
    page = text_of(admin.get(url(draft[0])))
    assert "Locked until a test of version 1 has passed" in page
    refused = admin.post(url(draft[0], "on/"), seen(queries.in_preparation(draft[0])), follow=True)
    assert "hasn’t passed a test sign-in yet" in text_of(refused)


def test_connection_pages_never_show_a_private_key(admin, connection):
    pages = "".join(text_of(admin.get(url(connection, act))) for act in ("", "delete/", "off/"))
    sealed = connection.sp_keys.get().private_sealed
    assert sealed not in pages
    assert "PRIVATE KEY" not in pages


def seen(version) -> dict[str, int]:
    """What the button stands beside."""
    return {"number": version.number, "revision": version.revision}


def test_connection_is_turned_on_and_off_by_its_pages(admin, draft):
    connection = draft[0]
    version = queries.in_preparation(connection)
    versions.note_test_passed(configuration=version, revision=version.revision, tester="olga", actor=ACTOR)
    assert "is on. People can sign in" in text_of(admin.post(url(connection, "on/"), seen(version), follow=True))
    assert "No session came through it" in text_of(admin.get(url(connection, "off/")))
    assert "Nobody signs in through it" in text_of(admin.post(url(connection, "off/"), follow=True))
    assert Connection.objects.get().state == ConnectionState.DISABLED


def test_turn_off_says_that_the_connection_was_never_turned_on(admin, draft):
    assert "never been turned on" in text_of(admin.post(url(draft[0], "off/"), follow=True))


def test_turn_off_page_counts_the_sessions_that_will_end(connection, idp, adam, browser):
    browser.sign_in(idp, connection, "adam@acme.example")
    page = text_of(browser.client.get(url(connection, "off/")))
    assert "1 session" in page
    assert "yours among them" in page


def test_rules_page_saves_the_rules(admin, connection):
    given = {"name": "Renamed", "jit": "on", "default_role": "guest", "allow_idp_initiated": "on"}
    admin.post(url(connection, "rules/"), given | shown_of(connection))
    saved = Connection.objects.get()
    assert (saved.name, saved.jit, saved.default_role, saved.allow_idp_initiated) == ("Renamed", True, "guest", True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "", "default_role": "user"}, "Give the connection a name"),
        ({"name": "a\x07b", "default_role": "user"}, "can’t be shown"),
        ({"name": "JumpCloud", "default_role": "owner"}, "not one of the available choices"),
        ({"name": "Taken", "default_role": "user"}, "already has that name"),
    ],
)
def test_rules_page_returns_400_with_a_message_for_invalid_rules(admin, acme, connection, given, said):
    metadata.create_connection(org=acme, name="Taken", rules=SignInRules(), actor=ACTOR)
    refused = admin.post(url(connection, "rules/"), given | shown_of(connection))
    assert (refused.status_code, said in text_of(refused)) == (400, True)
    assert Connection.objects.filter(name="JumpCloud", default_role="user").exists()


def test_rules_page_refuses_a_second_admins_stale_form(admin, connection):
    seen_by_both = shown_of(connection)
    admin.post(url(connection, "rules/"), {"name": "First", "default_role": "guest"} | seen_by_both)
    refused = admin.post(url(connection, "rules/"), {"name": "Second", "default_role": "user"} | seen_by_both)
    assert (refused.status_code, "Somebody else changed" in text_of(refused)) == (400, True)
    assert 'value="Second"' in text_of(refused)
    assert re.search(r"As it is saved now.*<dd[^>]*>First<.*<dd[^>]*>Guest<", text_of(refused), re.DOTALL)
    assert Connection.objects.get().name == "First"
    admin.post(url(connection, "rules/"), {"name": "Second", "default_role": "user"} | shown_in(refused))
    assert Connection.objects.get().name == "Second"


def test_rules_sent_without_what_was_shown_are_refused_and_change_nothing(admin, connection):
    assert admin.post(url(connection, "rules/"), {"name": "Blind", "default_role": "user"}).status_code == 400
    assert Connection.objects.get().name == "JumpCloud"


def test_connection_name_is_saved_and_confirmed_with_single_spaces(admin, connection):
    admin.post(url(connection, "rules/"), {"name": "Jump   Cloud", "default_role": "user"} | shown_of(connection))
    assert Connection.objects.get().name == "Jump Cloud"
    Connection.objects.update(name="Jump  Cloud")
    assert admin.post(url(connection, "delete/"), {"confirm": "Jump Cloud"}).status_code == 302


def test_connection_page_labels_values_for_the_provider_of_the_version_being_prepared(admin, connection):
    draft = versions.begin_reconfiguration(connection=connection, actor=ACTOR)
    Configuration.objects.filter(pk=draft.pk).update(provider="entra")
    page = text_of(admin.get(url(connection)))
    assert "For Microsoft Entra ID’s SAML form" in page
    assert "Single sign-on through JumpCloud" in page


def test_expired_certificate_is_a_warning_on_the_overview_and_on_the_connection(admin, connection):
    IdpCertificate.objects.update(not_after=now() - timedelta(days=1))
    page = text_of(admin.get("/orgs/acme/settings/authentication/"))
    for said in ("Certificate expired", "Sign-in through “JumpCloud” goes on", "pill-warn"):
        assert said in page
    assert "ends soon" not in page
    notice = text_of(admin.get(url(connection)))
    for said in ("Certificate expired", "Each certificate that version 1 trusts has expired", "Expired on"):
        assert said in notice


def test_nothing_is_said_of_expiry_when_a_certificate_is_current(admin, connection):
    assert "Certificate expired" not in text_of(admin.get(url(connection)))
    assert "Certificate expired" not in text_of(admin.get("/orgs/acme/settings/authentication/"))


def test_delete_page_refuses_until_the_name_is_typed(admin, connection):
    refused = admin.post(url(connection, "delete/"), {"confirm": "something"})
    assert (refused.status_code, "exactly as it is shown" in text_of(refused)) == (400, True)
    assert admin.post(url(connection, "delete/"), {"confirm": "JumpCloud"}).status_code == 302
    assert not Connection.objects.exists()


def test_reconfigure_begins_a_version_and_discard_removes_it(admin, connection):
    assert admin.post(url(connection, "reconfigure/"))["Location"] == url(connection, "setup/values/")
    assert "Version 2 is being prepared" in text_of(admin.get(url(connection)))
    assert "Nothing was done" in text_of(admin.post(url(connection, "discard/"), follow=True))
    draft = queries.in_preparation(connection)
    assert "is discarded" in text_of(admin.post(url(connection, "discard/"), seen(draft), follow=True))


def test_turn_on_warns_of_ended_sessions_when_the_version_has_another_idp(connection, idp, adam, browser):
    browser.sign_in(idp, connection, "adam@acme.example")
    draft = versions.begin_reconfiguration(connection=connection, actor=ACTOR)
    Configuration.objects.filter(pk=draft.pk).update(idp_entity_id="urn:new", tested_at=now())
    warning = text_of(browser.client.post(url(connection, "on/"), seen(draft)))
    for said in ("<b>1 session</b>", "yours among them", "trusts another identity provider"):
        assert said in warning
    assert queries.in_force(connection).number == 1
    browser.client.post(url(connection, "on/"), seen(draft) | {"confirmed": "yes"})
    assert queries.in_force(connection).number == 2


def test_turn_on_asks_nothing_when_the_version_has_the_same_idp(admin, connection):
    draft = versions.begin_reconfiguration(connection=connection, actor=ACTOR)
    Configuration.objects.filter(pk=draft.pk).update(tested_at=now())
    assert admin.post(url(connection, "on/"), seen(draft)).status_code == 302
    assert queries.in_force(connection).number == 2


def test_connection_page_offers_to_turn_the_former_version_on_beside_a_new_one(admin, connection):
    versions.begin_reconfiguration(connection=connection, actor=ACTOR)
    Configuration.objects.filter(stage="live").update(tested_at=now())
    services.turn_off(connection=connection, actor=ACTOR)
    assert "Turn version 1 on again" in text_of(admin.get(url(connection)))


def test_discard_says_that_no_version_is_being_prepared(admin, connection):
    assert "No version is being prepared" in text_of(admin.post(url(connection, "discard/"), follow=True))


def test_reconfigure_is_refused_when_the_connection_was_never_turned_on(admin, draft):
    draft[0].configurations.update(stage="former")
    assert "never been turned on" in text_of(admin.post(url(draft[0], "reconfigure/"), follow=True))


def test_sp_metadata_is_served_as_xml_and_as_a_download(connection):
    page = Client().get(f"/saml/{connection.public_id}/metadata")
    assert page["Content-Type"] == "application/samlmetadata+xml"
    assert etree.fromstring(page.content).get("entityID") == f"http://testserver/saml/{connection.public_id}/metadata"
    file = Client().get(f"/saml/{connection.public_id}/metadata?download")
    assert file["Content-Disposition"].startswith('attachment; filename="gatehouse-')
    assert file.content == page.content


def test_our_certificate_is_a_pem_file_and_the_one_in_our_metadata(admin, connection):
    file = admin.get(url(connection, "sp-certificate/"))
    name = f"gatehouse-{connection.public_id.hex[:8]}-certificate.pem"
    assert (file["Content-Type"], file["Content-Disposition"]) == (
        "application/x-pem-file",
        f'attachment; filename="{name}"',
    )
    certificate = x509.load_pem_x509_certificate(file.content)
    [published] = etree.fromstring(Client().get(f"/saml/{connection.public_id}/metadata").content).iter(
        "{*}X509Certificate"
    )
    assert base64.b64decode(published.text) == certificate.public_bytes(serialization.Encoding.DER)
    assert text_of(file).count("-----BEGIN") == 1


def test_our_certificate_verifies_the_requests_of_the_connection(admin, connection):
    file = admin.get(url(connection, "sp-certificate/"))
    sent = parse_qs(urlsplit(Client().get(f"/saml/{connection.public_id}/login")["Location"]).query)
    signed = urlencode({name: sent[name][0] for name in ("SAMLRequest", "RelayState", "SigAlg") if name in sent})
    key = x509.load_pem_x509_certificate(file.content).public_key()
    key.verify(base64.b64decode(sent["Signature"][0]), signed.encode(), padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize("slug", ["acme", "globex"])
def test_another_organizations_admin_finds_no_certificate(connection, greta, sign_in, slug):
    path = url(connection, "sp-certificate/").replace("/orgs/acme/", f"/orgs/{slug}/")
    assert sign_in(greta).get(path).status_code == 404


def test_the_metadata_of_a_connection_that_is_not_there_is_a_404(db):
    assert Client().get(f"/saml/{uuid4()}/metadata?download").status_code == 404


@pytest.mark.parametrize("name", ['"><svg onload=alert(1)>', "{{ 7 }}", "=cmd", "ف" * 60])
def test_connection_page_escapes_a_hostile_name(admin, acme, connection, name):
    services.rename_connection(connection=connection, name=name, actor=ACTOR)
    page = text_of(admin.get(url(connection)))
    assert "<svg onload" not in page
    assert "{{ 7 }}" in page or name != "{{ 7 }}"
