"""The wizard: from a name to a finished connection, left and come back to, by two admins, for every provider."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from orgs.domains.models import Domain
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy.types import Origin
from sso.connections import queries, services
from sso.connections.models import Connection
from sso.connections.types import STEPS, SignInRules
from sso.metadata.forms import FORMS
from sso.providers.catalogue import PROVIDERS
from sso.saml.types import NameIdFormat
from sso.versions import services as versions
from tests.factories import ACTOR
from tests.sso.idp import Idp

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
    made = services.create_connection(org=org, name=code, rules=SignInRules(), actor=ACTOR)
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
    refused = admin.post(step(choose(acme, "jumpcloud"), "domain"), {"name": name})
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
        people.create_seat(org=acme, profile=Profile("x@acme.example"), origin=Origin.SCIM, actor=ACTOR)
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
    places = [page.index(f'id="value-{one.value}"') for one in provider.copy]
    assert places == sorted(places)


def test_another_organisations_admin_reaches_no_step(acme, greta, sign_in):
    connection = choose(acme, "jumpcloud")
    for slug in ("acme", "globex"):
        url = step(connection, "values").replace("/acme/", f"/{slug}/")
        assert sign_in(greta).get(url).status_code == 404
