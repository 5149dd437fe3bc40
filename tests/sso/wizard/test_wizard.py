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


def test_from_a_name_to_a_finished_connection(admin, idp_keys):
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
def test_a_name_that_cannot_be_is_said_at_the_field(admin, name, said):
    begin(admin)
    assert said in text_of(admin.post(NEW, {"name": name}))


def test_whoever_leaves_goes_on_where_they_were(admin):
    connection = begin(admin)
    send(admin, connection, "provider", provider="okta")
    send(admin, connection, "values")
    admin.get(step(connection, "provider"))
    assert step(connection, "attributes") in text_of(admin.get(LIST))
    assert admin.get(f"{LIST}connections/{connection.public_id}/")["Location"] == step(connection, "attributes")


def test_going_back_loses_nothing(admin, acme):
    connection = choose(acme, "jumpcloud")
    back = send(admin, connection, "attributes", email="mail", name_id_format=NameIdFormat.PERSISTENT, back="yes")
    assert back["Location"] == step(connection, "values")
    page = text_of(admin.get(step(connection, "attributes")))
    assert 'value="mail"' in page
    assert re.search(rf'value="{NameIdFormat.PERSISTENT}" selected', page)
    assert re.search(r'value="jumpcloud" checked', text_of(admin.get(step(connection, "provider"))))


@pytest.mark.parametrize("name", ["values", "attributes", "metadata"])
def test_without_a_provider_every_step_asks_for_it(admin, name):
    connection = begin(admin)
    assert admin.get(step(connection, name))["Location"] == step(connection, "provider")


def test_no_provider_is_said(admin):
    refused = send(admin, begin(admin), "provider")
    assert (refused.status_code, "Choose your identity provider" in text_of(refused)) == (400, True)


@pytest.mark.parametrize("name", ["provider", "attributes"])
def test_two_admins_do_not_overwrite_each_other_unseen(admin, olga, acme, sign_in, name):
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


def test_whoever_is_told_sees_what_the_other_has_saved(admin, olga, acme, sign_in):
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


def test_metadata_of_a_colleague_is_not_overwritten_unseen(admin, olga, acme, sign_in, idp_keys):
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


def test_other_certificates_are_pointed_out(admin, acme, idp_keys):
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
    def test_attributes_also_such_as_could_not_be_saved(self, admin, begun, button, leads, typed):
        left = send(admin, begun, "attributes", email=typed, name_id_format=NameIdFormat.EMAIL, **{button: "yes"})
        assert left["Location"] == (leads or step(begun, "values"))
        assert f'value="{typed}"' in text_of(admin.get(step(begun, "attributes")))

    @pytest.mark.parametrize(("button", "leads"), [("leave", LIST), ("back", "")])
    def test_a_domain(self, admin, begun, button, leads):
        left = admin.post(step(begun, "domain"), {"name": "half-typed.exa", button: "yes"})
        assert left["Location"] == (leads or step(begun, "metadata"))
        assert 'value="half-typed.exa"' in text_of(admin.get(step(begun, "domain")))

    def test_a_domain_that_was_typed_is_added_before_going_on(self, admin, begun):
        assert admin.post(step(begun, "domain"), {"name": "acme.example"})["Location"] == step(begun, "domain")
        assert Domain.objects.get().name == "acme.example"

    def test_a_url_and_it_is_gone_once_metadata_was_used(self, admin, begun, idp_keys):
        url = "https://idp.example/metadata"
        admin.post(step(begun, "metadata"), {"way": "url", "url": url, "leave": "yes"})
        assert f'value="{url}"' in text_of(admin.get(f"{step(begun, 'metadata')}?way=url"))
        use(admin, read_by_file(admin, begun, Idp.for_connection(idp_keys, begun).metadata()))
        assert url not in text_of(admin.get(f"{step(begun, 'metadata')}?way=url"))

    def test_what_was_read_and_not_used_can_be_looked_at_again(self, admin, begun, idp_keys):
        preview = read_by_file(admin, begun, Idp.for_connection(idp_keys, begun).metadata())
        page = text_of(admin.get(step(begun, "metadata")))
        assert preview.partition("?")[0] in page
        use(admin, preview)
        assert "haven’t used it" not in text_of(admin.get(step(begun, "metadata")))


def test_a_new_version_starts_from_what_the_one_in_force_has(admin, connection):
    draft = versions.begin_reconfiguration(connection=connection, actor=ACTOR)
    Configuration.objects.filter(pk=draft.pk).update(metadata_source="url", metadata_url="https://idp.example/m")
    assert 'value="https://idp.example/m"' in text_of(admin.get(step(connection, "metadata")))
    Configuration.objects.filter(pk=draft.pk).update(metadata_source="manual")
    page = text_of(admin.get(step(connection, "metadata")))
    for kept in (draft.idp_entity_id, draft.redirect_url, "BEGIN CERTIFICATE"):
        assert kept in page


class TestWhatAColleagueDoesMeanwhile:
    def test_the_version_was_put_in_force(self, admin, connection, monkeypatch):
        versions.begin_reconfiguration(connection=connection, actor=ACTOR)

        def gone(**order):
            raise NothingInPreparation

        monkeypatch.setattr(versions, "choose_attributes", gone)
        shown = send(admin, connection, "attributes", name_id_format=NameIdFormat.EMAIL)
        assert shown["Location"] == f"{LIST}connections/{connection.public_id}/"

    def test_the_connection_was_deleted_during_a_fetch(self, admin, acme, idp_keys, monkeypatch):
        connection = choose(acme, "jumpcloud")
        document = Idp.for_connection(idp_keys, connection).metadata()

        def delete_first(url):
            services.delete_connection(connection=connection, typed_name="jumpcloud", actor=ACTOR)
            return outbound.Fetched(url, document, "application/xml")

        monkeypatch.setattr(outbound, "fetch", delete_first)
        given = {"way": "url", "url": "https://idp.example/m", "revision": "2"}
        assert admin.post(step(connection, "metadata"), given).status_code == 404


def test_a_page_that_comes_back_incomplete_says_so(admin, acme):
    connection = choose(acme, "jumpcloud")
    refused = admin.post(step(connection, "attributes"), {"name_id_format": NameIdFormat.EMAIL})
    assert (refused.status_code, "came back incomplete" in text_of(refused)) == (400, True)


def test_a_body_that_is_too_large_is_answered_by_a_page(admin, acme):
    refused = admin.post(step(choose(acme, "jumpcloud"), "metadata"), {"way": "manual", "certificate": "x" * 2_500_000})
    assert (refused.status_code, "more than 2 MB" in text_of(refused)) == (400, True)


def test_another_name_id_format_is_said_where_it_must_be_changed(admin, acme):
    connection = choose(acme, "jumpcloud")
    assert "ends with persistent" not in text_of(admin.get(step(connection, "values")))
    send(admin, connection, "attributes", name_id_format=NameIdFormat.PERSISTENT)
    assert "Set it so in JumpCloud, too" in text_of(admin.get(step(connection, "metadata")))
    assert "Choose the entry that ends with persistent" in text_of(admin.get(step(connection, "values")))


def test_a_step_is_done_once_it_has_what_it_asks_for(admin, acme):
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


def test_an_attribute_name_that_cannot_be_is_said_and_keeps_its_revision(admin, acme):
    connection = choose(acme, "jumpcloud")
    refused = admin.post(step(connection, "attributes"), {"revision": "1", "email": "a\x00b"})
    assert refused.status_code == 400
    assert 'name="revision" value="1"' in text_of(refused)


ODD = ("", "\x00", "-1", "9" * 40, "x" * 5_000, "\u202e😀")
FIELDS = ("revision", "provider", "name", "email", "name_id_format", "way", "url", "entity_id", "sign_in_url")
FIELDS += ("binding", "certificate", "document")


@pytest.mark.parametrize("odd", ODD, ids=["empty", "NUL", "negative", "huge", "long", "backwards"])
@pytest.mark.parametrize(("name", "way"), [*((name, "") for name in STEPS), *(("metadata", way) for way in FORMS)])
def test_whatever_is_sent_is_answered(admin, acme, name, odd, way):
    given = dict.fromkeys(FIELDS, odd) | ({"way": way} if way else {})
    answer = admin.post(step(choose(acme, "jumpcloud"), name), given)
    assert answer.status_code in {302, 400}


@pytest.mark.parametrize("name", ["gmail.com", "no domain", ""])
def test_a_domain_that_cannot_be_is_said_where_it_was_typed(admin, acme, name):
    refused = admin.post(step(choose(acme, "jumpcloud"), "domain"), {"name": name, "add": "yes"})
    assert (refused.status_code, "id_name_error" in text_of(refused)) == (400, True)
    assert not Domain.objects.exists()


def test_without_metadata_the_review_leads_back_to_it(admin, acme):
    connection = choose(acme, "jumpcloud")
    sent = admin.post(step(connection, "review"))
    assert sent["Location"] == step(connection, "metadata")


def test_where_nothing_is_in_preparation_the_steps_lead_to_the_page(admin, connection):
    shown = admin.get(step(connection, "values"), follow=True)
    assert "Choose Reconfigure to begin one" in text_of(shown)


@pytest.mark.parametrize("has_directory", [True, False])
def test_people_join_by_signing_in_unless_a_directory_brings_them(admin, acme, has_directory):
    if has_directory:
        people.create_membership(org=acme, profile=Profile("x@acme.example"), origin=MembershipOrigin.SCIM, actor=ACTOR)
    assert queries.rules(begin(admin)).jit is not has_directory


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda one: one.code)
@pytest.mark.parametrize("name", STEPS)
def test_every_step_speaks_every_providers_words(admin, acme, provider, name):
    page = admin.get(step(choose(acme, provider.code), name))
    assert page.status_code == 200
    assert "<c-" not in text_of(page)
    assert provider.name in text_of(page) or provider.party in text_of(page)


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda one: one.code)
def test_values_stand_in_the_order_of_the_providers_form(admin, acme, provider):
    page = text_of(admin.get(step(choose(acme, provider.code), "values")))
    places = [page.index(f'id="value-{one.value}"') for one in provider.guide.form if one.value]
    assert places == sorted(places)


def test_another_organizations_admin_reaches_no_step(acme, greta, sign_in):
    connection = choose(acme, "jumpcloud")
    for slug in ("acme", "globex"):
        url = step(connection, "values").replace("/acme/", f"/{slug}/")
        assert sign_in(greta).get(url).status_code == 404
