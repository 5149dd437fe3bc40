"""The wizard: from a name to a finished connection, left and come back to, by two admins, for every provider."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from orgs.base import outbound
from orgs.domains.models import Domain
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.providers.idp_settings import NameIdFormat
from orgs.providers.registry import PROVIDERS
from orgs.tenancy.types import MembershipOrigin
from sandbox.test_idp.metadata import build_metadata
from sso.connections import queries, services
from sso.connections.errors import NothingInPreparation
from sso.connections.models import Configuration, Connection
from sso.connections.types import STEPS, SignInRules
from sso.metadata import services as metadata
from sso.metadata.forms import FORMS
from sso.versions import services as versions
from tests.factories import ACTOR
from tests.sso.idp import SSO_URL, Idp

LIST = "/orgs/acme/settings/authentication/"
NEW = f"{LIST}connections/new/"


@pytest.fixture
def admin(adam, sign_in) -> Client:
    return sign_in(adam)


def text_of(response) -> str:
    return response.content.decode()


def step(connection, name) -> str:
    return f"{LIST}connections/{connection.public_id}/setup/{name}/"


def send(admin, connection, name, **given):
    """Fill a step's form as it is shown, and send it."""
    shown = text_of(admin.get(step(connection, name)))
    revision = re.search(r'name="revision" value="(\d+)"', shown)
    return admin.post(step(connection, name), given | ({"revision": revision[1]} if revision else {}))


def begin(admin, name="JumpCloud") -> Connection:
    admin.post(NEW, {"name": name})
    return Connection.objects.get(name=name)


def choose(org, code) -> Connection:
    made = metadata.create_connection(org=org, name=code, rules=SignInRules(), actor=ACTOR)
    versions.choose_provider(connection=made, provider=code, name_id_format=NameIdFormat.EMAIL, revision=1, actor=ACTOR)
    for name in STEPS:
        versions.reach_step(connection=made, step=name)
    return made


def test_wizard_leads_from_a_name_to_a_finished_connection(admin, idp_keys):
    connection = begin(admin)
    assert send(admin, connection, "provider", provider="jumpcloud")["Location"] == step(connection, "values")
    assert send(admin, connection, "values")["Location"] == step(connection, "attributes")
    sent = send(admin, connection, "attributes", name_id_format=NameIdFormat.EMAIL)
    assert sent["Location"] == step(connection, "metadata")
    file = SimpleUploadedFile("m.xml", Idp.for_connection(idp_keys, connection).metadata())
    landed = admin.post(step(connection, "metadata"), {"way": "file", "document": file})
    revision = re.search(r'name="revision" value="(\d+)"', text_of(admin.get(landed["Location"])))[1]
    assert admin.post(landed["Location"], {"revision": revision})["Location"] == step(connection, "domain")
    assert admin.post(step(connection, "domain"), {"name": "acme.example"})["Location"] == step(connection, "domain")
    assert admin.post(step(connection, "domain"))["Location"] == step(connection, "review")
    finished = admin.post(step(connection, "review"))
    assert finished["Location"] == f"{LIST}connections/{connection.public_id}/"
    assert not Connection.objects.get().is_being_set_up


@pytest.mark.parametrize(
    ("name", "said"),
    [("", "Give the connection a name"), ("a\x07", "can’t be shown"), ("JumpCloud", "already has that name")],
)
def test_name_form_shows_a_message_for_an_invalid_or_taken_name(admin, name, said):
    begin(admin)
    assert said in text_of(admin.post(NEW, {"name": name}))


def test_wizard_continues_at_the_furthest_step_after_leaving(admin):
    connection = begin(admin)
    send(admin, connection, "provider", provider="okta")
    send(admin, connection, "values")
    admin.get(step(connection, "provider"))
    assert step(connection, "attributes") in text_of(admin.get(LIST))
    assert admin.get(f"{LIST}connections/{connection.public_id}/")["Location"] == step(connection, "attributes")


def test_back_button_keeps_typed_attributes_and_the_provider(admin, acme):
    connection = choose(acme, "jumpcloud")
    back = send(admin, connection, "attributes", email="mail", name_id_format=NameIdFormat.PERSISTENT, back="yes")
    assert back["Location"] == step(connection, "values")
    page = text_of(admin.get(step(connection, "attributes")))
    assert 'value="mail"' in page
    assert re.search(rf'value="{NameIdFormat.PERSISTENT}" selected', page)
    assert re.search(r'value="jumpcloud" checked', text_of(admin.get(step(connection, "provider"))))


@pytest.mark.parametrize("name", ["values", "attributes", "metadata"])
def test_step_redirects_to_the_provider_step_when_no_provider_is_chosen(admin, name):
    connection = begin(admin)
    assert admin.get(step(connection, name))["Location"] == step(connection, "provider")


def test_provider_step_returns_400_with_a_message_without_a_provider(admin):
    refused = send(admin, begin(admin), "provider")
    assert (refused.status_code, "Choose your identity provider" in text_of(refused)) == (400, True)


@pytest.mark.parametrize("name", ["provider", "attributes"])
def test_step_refuses_a_second_admins_stale_form(admin, olga, acme, sign_in, name):
    connection = choose(acme, "jumpcloud")
    given = {"provider": {"provider": "okta"}, "attributes": {"email": "mail", "name_id_format": NameIdFormat.EMAIL}}[
        name
    ]
    stale = {**given, "revision": queries.in_preparation(connection).revision}
    send(sign_in(olga), connection, "attributes", email="Email", name_id_format=NameIdFormat.EMAIL)
    refused = admin.post(step(connection, name), stale)
    assert (refused.status_code, "Somebody else changed this connection" in text_of(refused)) == (400, True)
    assert name == "provider" or 'value="mail"' in text_of(refused)
    assert queries.in_preparation(connection).attribute_map == {"email": "Email"}
    revision = re.search(r'name="revision" value="(\d+)"', text_of(refused))[1]
    assert admin.post(step(connection, name), {**given, "revision": revision}).status_code == 302


def test_refused_stale_form_shows_own_and_saved_values(admin, olga, acme, sign_in):
    connection = choose(acme, "jumpcloud")
    stale = {"revision": queries.in_preparation(connection).revision}
    send(sign_in(olga), connection, "provider", provider="okta")
    refused = text_of(admin.post(step(connection, "provider"), stale | {"provider": "entra"}))
    assert re.search(r"As it is saved now.*<dd[^>]*>Okta<", refused, re.DOTALL)
    revision = queries.in_preparation(connection).revision
    send(sign_in(olga), connection, "attributes", email="theirs", name_id_format=NameIdFormat.PERSISTENT)
    given = {"email": "mine", "name_id_format": NameIdFormat.EMAIL, "revision": revision}
    refused = text_of(admin.post(step(connection, "attributes"), given))
    for said in ('value="mine"', ">theirs<", ">Persistent<", ">one is enough<"):
        assert said in refused


def read_by_file(admin, connection, document, revision=None):
    """Upload metadata from the page as it is shown; return where the preview is."""
    shown = revision or re.search(r'name="revision" value="(\d+)"', text_of(admin.get(step(connection, "metadata"))))[1]
    given = {"way": "file", "document": SimpleUploadedFile("m.xml", document), "revision": shown}
    return admin.post(step(connection, "metadata"), given)["Location"]


def use(admin, preview):
    revision = re.search(r'name="revision" value="(\d+)"', text_of(admin.get(preview)))[1]
    return admin.post(preview, {"revision": revision})


def test_metadata_preview_refuses_to_overwrite_a_colleagues_metadata_at_first(admin, olga, acme, sign_in, idp_keys):
    connection = choose(acme, "jumpcloud")
    mine = Idp.for_connection(idp_keys, connection)
    seen = queries.in_preparation(connection).revision
    hers = sign_in(olga)
    use(hers, read_by_file(hers, connection, mine.change(idp_entity_id="urn:olga").metadata()))
    preview = read_by_file(admin, connection, mine.metadata(), seen)
    told = use(admin, preview)
    assert (told.status_code, "Somebody else changed" in text_of(told)) == (400, True)
    assert "which this version has now: urn:olga" in text_of(told)
    assert queries.in_preparation(connection).idp_entity_id == "urn:olga"
    revision = re.search(r'name="revision" value="(\d+)"', text_of(told))[1]
    admin.post(preview, {"revision": revision})
    assert queries.in_preparation(connection).idp_entity_id == mine.app.idp_entity_id


def test_metadata_preview_says_that_the_certificates_differ(admin, acme, idp_keys):
    connection = choose(acme, "jumpcloud")
    idp = Idp.for_connection(idp_keys, connection)
    use(admin, read_by_file(admin, connection, idp.metadata()))
    other = build_metadata(idp.app, SSO_URL, idp_keys.other.certificate)
    assert "are not the ones that this version has now" in text_of(admin.get(read_by_file(admin, connection, other)))


class TestLeaving:
    """Whatever button is pressed, what was typed is there when somebody comes back, until it was used."""

    @pytest.fixture
    def begun(self, acme):
        return choose(acme, "jumpcloud")

    @pytest.mark.parametrize(("button", "leads"), [("leave", LIST), ("back", "")])
    @pytest.mark.parametrize("typed", ["mail", "a\x07b"])
    def test_typed_attributes_are_kept_after_leave_or_back_even_when_invalid(self, admin, begun, button, leads, typed):
        left = send(admin, begun, "attributes", email=typed, name_id_format=NameIdFormat.EMAIL, **{button: "yes"})
        assert left["Location"] == (leads or step(begun, "values"))
        assert f'value="{typed}"' in text_of(admin.get(step(begun, "attributes")))

    @pytest.mark.parametrize(("button", "leads"), [("leave", LIST), ("back", "")])
    def test_typed_domain_is_kept_after_leave_or_back(self, admin, begun, button, leads):
        left = admin.post(step(begun, "domain"), {"name": "half-typed.exa", button: "yes"})
        assert left["Location"] == (leads or step(begun, "metadata"))
        assert 'value="half-typed.exa"' in text_of(admin.get(step(begun, "domain")))

    def test_typed_domain_is_added_by_the_continue_button(self, admin, begun):
        assert admin.post(step(begun, "domain"), {"name": "acme.example"})["Location"] == step(begun, "domain")
        assert Domain.objects.get().name == "acme.example"

    def test_typed_metadata_url_is_kept_after_leaving_until_metadata_is_used(self, admin, begun, idp_keys):
        url = "https://idp.example/metadata"
        admin.post(step(begun, "metadata"), {"way": "url", "url": url, "leave": "yes"})
        assert f'value="{url}"' in text_of(admin.get(f"{step(begun, 'metadata')}?way=url"))
        use(admin, read_by_file(admin, begun, Idp.for_connection(idp_keys, begun).metadata()))
        assert url not in text_of(admin.get(f"{step(begun, 'metadata')}?way=url"))

    def test_metadata_step_links_to_a_preview_not_used_yet(self, admin, begun, idp_keys):
        preview = read_by_file(admin, begun, Idp.for_connection(idp_keys, begun).metadata())
        page = text_of(admin.get(step(begun, "metadata")))
        assert preview.partition("?")[0] in page
        use(admin, preview)
        assert "haven’t used it" not in text_of(admin.get(step(begun, "metadata")))


def test_metadata_step_of_a_new_version_is_filled_from_the_version_in_force(admin, connection):
    draft = versions.begin_reconfiguration(connection=connection, actor=ACTOR)
    Configuration.objects.filter(pk=draft.pk).update(metadata_source="url", metadata_url="https://idp.example/m")
    assert 'value="https://idp.example/m"' in text_of(admin.get(step(connection, "metadata")))
    Configuration.objects.filter(pk=draft.pk).update(metadata_source="manual")
    page = text_of(admin.get(step(connection, "metadata")))
    for kept in (draft.idp_entity_id, draft.redirect_url, "BEGIN CERTIFICATE"):
        assert kept in page


class TestWhatAColleagueDoesMeanwhile:
    def test_attributes_step_redirects_to_the_connection_when_its_version_was_turned_on_meanwhile(
        self, admin, connection, monkeypatch
    ):
        versions.begin_reconfiguration(connection=connection, actor=ACTOR)

        def gone(**order):
            raise NothingInPreparation

        monkeypatch.setattr(versions, "choose_attributes", gone)
        shown = send(admin, connection, "attributes", name_id_format=NameIdFormat.EMAIL)
        assert shown["Location"] == f"{LIST}connections/{connection.public_id}/"

    def test_metadata_step_returns_404_when_the_connection_is_deleted_during_the_fetch(
        self, admin, acme, idp_keys, monkeypatch
    ):
        connection = choose(acme, "jumpcloud")
        document = Idp.for_connection(idp_keys, connection).metadata()

        def delete_first(url):
            services.delete_connection(connection=connection, typed_name="jumpcloud", actor=ACTOR)
            return outbound.Fetched(url, document, "application/xml")

        monkeypatch.setattr(outbound, "fetch", delete_first)
        given = {"way": "url", "url": "https://idp.example/m", "revision": "2"}
        assert admin.post(step(connection, "metadata"), given).status_code == 404


def test_attributes_step_returns_400_for_a_form_without_a_revision(admin, acme):
    connection = choose(acme, "jumpcloud")
    refused = admin.post(step(connection, "attributes"), {"name_id_format": NameIdFormat.EMAIL})
    assert (refused.status_code, "came back incomplete" in text_of(refused)) == (400, True)


def test_metadata_step_returns_400_with_a_message_for_a_too_large_body(admin, acme):
    refused = admin.post(step(choose(acme, "jumpcloud"), "metadata"), {"way": "manual", "certificate": "x" * 2_500_000})
    assert (refused.status_code, "more than 2 MB" in text_of(refused)) == (400, True)


def test_chosen_name_id_format_is_named_in_the_values_and_metadata_steps(admin, acme):
    connection = choose(acme, "jumpcloud")
    assert "ends with persistent" not in text_of(admin.get(step(connection, "values")))
    send(admin, connection, "attributes", name_id_format=NameIdFormat.PERSISTENT)
    assert "Set it so in JumpCloud, too" in text_of(admin.get(step(connection, "metadata")))
    assert "Choose the entry that ends with persistent" in text_of(admin.get(step(connection, "values")))


def test_review_marks_a_step_as_done_once_it_has_its_values(admin, acme):
    page = text_of(admin.get(step(choose(acme, "jumpcloud"), "review")))
    done = re.findall(r">(\w+)</a><span class=\"sr-only\"> \(done\)", page)
    assert "Provider" in done
    assert "Metadata" not in done


def test_an_unfinished_connection_can_be_renamed_and_deleted(admin, acme):
    connection = choose(acme, "jumpcloud")
    page = text_of(admin.get(step(connection, "values")))
    base = f"{LIST}connections/{connection.public_id}/"
    assert f'href="{base}rules/"' in page
    assert f'href="{base}delete/"' in page
    assert 'value="jumpcloud"' in text_of(admin.get(f"{base}rules/"))


def test_attributes_step_returns_400_for_an_invalid_name_and_keeps_the_revision(admin, acme):
    connection = choose(acme, "jumpcloud")
    refused = admin.post(step(connection, "attributes"), {"revision": "1", "email": "a\x00b"})
    assert refused.status_code == 400
    assert 'name="revision" value="1"' in text_of(refused)


ODD = ("", "\x00", "-1", "9" * 40, "x" * 5_000, "\u202e😀")
FIELDS = ("revision", "provider", "name", "email", "name_id_format", "way", "url", "entity_id", "sign_in_url")
FIELDS += ("binding", "certificate", "document")


@pytest.mark.parametrize("odd", ODD, ids=["empty", "NUL", "negative", "huge", "long", "backwards"])
@pytest.mark.parametrize(("name", "way"), [*((name, "") for name in STEPS), *(("metadata", way) for way in FORMS)])
def test_steps_return_302_or_400_for_arbitrary_values(admin, acme, name, odd, way):
    given = dict.fromkeys(FIELDS, odd) | ({"way": way} if way else {})
    answer = admin.post(step(choose(acme, "jumpcloud"), name), given)
    assert answer.status_code in {302, 400}


@pytest.mark.parametrize("name", ["gmail.com", "no domain", ""])
def test_domain_step_returns_400_with_a_message_for_an_invalid_domain(admin, acme, name):
    refused = admin.post(step(choose(acme, "jumpcloud"), "domain"), {"name": name, "add": "yes"})
    assert (refused.status_code, "id_name_error" in text_of(refused)) == (400, True)
    assert not Domain.objects.exists()


def test_review_post_redirects_to_the_metadata_step_without_metadata(admin, acme):
    connection = choose(acme, "jumpcloud")
    sent = admin.post(step(connection, "review"))
    assert sent["Location"] == step(connection, "metadata")


def test_step_redirects_to_the_connection_page_when_no_version_is_in_preparation(admin, connection):
    shown = admin.get(step(connection, "values"), follow=True)
    assert "Choose Reconfigure to begin one" in text_of(shown)


@pytest.mark.parametrize("has_directory", [True, False])
def test_new_connection_has_jit_on_unless_a_directory_provisions_people(admin, acme, has_directory):
    if has_directory:
        people.create_membership(org=acme, profile=Profile("x@acme.example"), origin=MembershipOrigin.SCIM, actor=ACTOR)
    assert queries.rules(begin(admin)).jit is not has_directory


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda one: one.code)
@pytest.mark.parametrize("name", STEPS)
def test_every_step_uses_the_terms_of_the_provider(admin, acme, provider, name):
    page = admin.get(step(choose(acme, provider.code), name))
    assert page.status_code == 200
    assert "<c-" not in text_of(page)
    assert provider.name in text_of(page) or provider.party in text_of(page)


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda one: one.code)
def test_values_step_lists_values_in_the_order_of_the_providers_form(admin, acme, provider):
    page = text_of(admin.get(step(choose(acme, provider.code), "values")))
    places = [page.index(f'id="value-{one.value}"') for one in provider.guide.form if one.value]
    assert places == sorted(places)


def test_steps_return_404_for_another_organizations_admin(acme, greta, sign_in):
    connection = choose(acme, "jumpcloud")
    for slug in ("acme", "globex"):
        url = step(connection, "values").replace("/acme/", f"/{slug}/")
        assert sign_in(greta).get(url).status_code == 404
