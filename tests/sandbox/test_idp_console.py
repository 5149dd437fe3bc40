"""The test IdP's pages, in this process, with its settings instead of the portal's."""

import base64

import pytest
from django.test import Client
from lxml import html

from sandbox.test_idp import settings as idp_settings
from sandbox.test_idp.config import Config
from sandbox.test_idp.records import TxtRecord, load_records
from sandbox.test_idp.state import find_app, load_apps, save_app, save_people
from sandbox.test_idp.store import FILE
from sandbox.test_idp.types import PRESETS, App, Attribute, Fault, IdpPerson, Signs, Source, Style

ACME = App("acme", "Acme", "acme-idp", "http://localhost:8000/sp", "http://localhost:8000/acs", signs=Signs.BOTH)
MARA = IdpPerson("mara@northwind.example", "Mara", "Lindgren", "mara", ("Engineering",))
ENTERED = {
    "label": "Gatehouse of Northwind",
    "idp_entity_id": "northwind",
    "sp_entity_id": "http://localhost:8000/sp",
    "acs_url": "http://localhost:8000/acs",
    "name_id": "email",
    "name_id_format": ACME.name_id_format.value,
    "declares_redirect": "on",
    "signs": "assertion",
    "style": "jumpcloud",
    "attributes-TOTAL_FORMS": "8",
    "attributes-INITIAL_FORMS": "0",
}
REQUEST = b"""<AuthnRequest xmlns="urn:oasis:names:tc:SAML:2.0:protocol" ID="_r1" Version="2.0">
<Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">http://localhost:8000/sp</Issuer></AuthnRequest>"""
CHOSEN = {"person": MARA.email, "attributes": ["0", "1", "2", "3"], "signs": "both", "fault": "none"}


@pytest.fixture
def folder(tmp_path, settings, monkeypatch):
    """The folder of an identity provider with one app and one person, whose settings hold."""
    for name in filter(str.isupper, dir(idp_settings)):
        setattr(settings, name, getattr(idp_settings, name))
    for name in ("FOLDER", "PORT", "NAME"):
        monkeypatch.setenv(f"TEST_IDP_{name}", "")
    Config(tmp_path, 8001).publish()
    save_app(tmp_path, ACME)
    save_people(tmp_path, [MARA])
    return tmp_path


@pytest.fixture
def console(folder):
    return Client(SERVER_NAME="127.0.0.1", SERVER_PORT="8001")


def page(response):
    return html.fromstring(response.content)


def errors(response):
    """Return what is said at each field, by the field's name."""
    found = {}
    for one in page(response).iter("ul"):
        if one.get("class", "").startswith("errorlist"):
            found[one.get("id", "").removeprefix("id_").removesuffix("_error")] = one.text_content().strip()
    return found


def enter(console, path="/apps/new", **changed):
    return console.post(path, {**ENTERED, **changed})


# apps


def test_new_app_form_saves_the_app_and_redirects_to_its_page(console, folder):
    assert enter(console).url == "/apps/gatehouse-of-northwind"
    app = find_app(folder, "gatehouse-of-northwind")
    assert (app.label, app.signs, app.declares_redirect) == ("Gatehouse of Northwind", Signs.ASSERTION, True)


@pytest.mark.parametrize("style", Style)
def test_app_without_attribute_rows_gets_the_attributes_of_its_style(console, folder, style):
    enter(console, style=style)
    assert find_app(folder, "gatehouse-of-northwind").attributes == PRESETS[style]


def test_app_with_attribute_rows_gets_those_attributes(console, folder):
    enter(console, **{"attributes-3-name": "mail", "attributes-3-source": "email"})
    assert find_app(folder, "gatehouse-of-northwind").attributes == (Attribute("mail", Source.EMAIL),)


def test_second_app_of_the_same_label_gets_another_url(console):
    assert [enter(console).url, enter(console).url] == [
        "/apps/gatehouse-of-northwind",
        "/apps/gatehouse-of-northwind-2",
    ]


def test_app_with_a_label_without_letters_gets_a_default_url(console):
    assert enter(console, label="★").url == "/apps/app"


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("label", "", "required"),
        ("sp_entity_id", "a\x07b", "can’t be shown"),
        ("acs_url", "javascript:alert(1)", "valid URL"),
        ("acs_url", "ftp://x.example/", "valid URL"),
        ("acs_url", "http://x.example/\x07", "can’t be shown"),
        ("signs", "nothing", "not one of the available choices"),
        ("attributes-0-name", "mail", "Choose what"),
        ("attributes-0-source", "email", "Name this attribute"),
    ],
)
def test_app_form_shows_a_message_at_the_invalid_field_and_saves_nothing(console, folder, field, text, said):
    response = enter(console, **{field: text})
    assert response.status_code == 400
    assert said in " ".join(errors(response).values())
    assert load_apps(folder) == (ACME,)


def test_a_custom_name_id_needs_its_text(console):
    assert "Type the text" in errors(enter(console, name_id="custom"))["custom_name_id"]


def test_app_form_without_attribute_rows_returns_400(console):
    assert console.post("/apps/new", {"label": "x"}).status_code == 400


def test_app_page_shows_metadata_url_and_certificate(console):
    text = page(console.get("/apps/acme")).text_content()
    assert "http://127.0.0.1:8001/apps/acme/metadata" in text
    assert "-----BEGIN CERTIFICATE-----" in text


def test_app_form_sent_unchanged_changes_nothing(console, folder):
    fields = page(console.get("/apps/acme")).forms[0].form_values()
    console.post("/apps/acme", dict(fields))
    assert find_app(folder, "acme") == ACME


def test_app_is_deleted_after_one_confirmation(console, folder):
    assert "Delete Acme?" in console.get("/apps/acme/delete").content.decode()
    console.post("/apps/acme/delete")
    assert load_apps(folder) == ()


@pytest.mark.parametrize("path", ["", "/delete", "/metadata", "/certificate", "/sso", "/open"])
def test_app_pages_return_404_for_an_unknown_app(console, path):
    assert console.get(f"/apps/nowhere{path}").status_code == 404


def test_certificate_is_served_as_a_file(console):
    response = console.get("/apps/acme/certificate")
    assert response.content.startswith(b"-----BEGIN CERTIFICATE-----")
    assert response["Content-Disposition"] == 'attachment; filename="acme-certificate.pem"'


def test_app_list_links_to_idp_and_sp_initiated_sign_in(console, folder):
    save_app(folder, App("b", "Other", "i", "s", "http://localhost/acs", login_url="http://localhost:8000/login"))
    links = [link for _, _, link, _ in page(console.get("/")).iterlinks()]
    assert {"/apps/acme/open", "/apps/b/open", "http://localhost:8000/login"} <= set(links)


# signing in


def test_sign_in_form_offers_all_people_and_faults(console):
    form = page(console.get("/apps/acme/open")).forms[0]
    assert form.inputs["person"].value_options == [MARA.email, ""]
    assert form.inputs["fault"].value_options == list(Fault.values)
    assert form.inputs["signs"].value == "both"


def visit_of(console):
    return page(console.get("/apps/acme/open")).forms[0].fields["visit"]


def sign_in(console, **changed):
    return console.post("/apps/acme/sign-in", {**CHOSEN, "visit": visit_of(console), **changed})


def delivered(response):
    return dict(page(response).get_element_by_id("delivery").form_values())


def test_idp_initiated_sign_in_sends_the_typed_relay_state(console):
    response = sign_in(console, relay_state="/members")
    assert delivered(response)["RelayState"] == "/members"
    assert page(response).get_element_by_id("delivery").action == ACME.acs_url


def test_idp_initiated_sign_in_without_relay_state_sends_none(console):
    assert list(delivered(sign_in(console))) == ["SAMLResponse"]


def test_delivery_page_has_script_and_button_and_a_policy_that_allows_the_form(console):
    response = sign_in(console)
    assert b'<script src="/static/submit.js" defer>' in response.content
    assert b"<button" in response.content
    assert "form-action http: https:" in response["Content-Security-Policy"]


def test_shown_response_is_not_submitted_by_script(console):
    response = sign_in(console, is_shown="on")
    assert b"<script" not in response.content
    assert "<saml:NameID" in page(response).text_content()


def test_sign_in_as_somebody_else_without_an_address_shows_a_message(console):
    response = sign_in(console, person="")
    assert "Type the address" in errors(response)["email"]


def test_sign_in_as_somebody_else_sends_the_typed_names_and_groups(console):
    given = {"email": "zoe@x.example", "first": "Zoë", "last": "Ek", "groups": "A, B"}
    text = page(sign_in(console, person="", is_shown="on", **given)).text_content()
    assert all(f">{word}</saml:" in text for word in ("zoe@x.example", "Zoë", "Ek", "A", "B"))


def test_response_has_the_chosen_attributes_only(console):
    text = page(sign_in(console, is_shown="on", attributes=["0"])).text_content()
    assert 'Name="email"' in text
    assert 'Name="firstname"' not in text


def test_replay_without_a_former_response_shows_a_message_at_the_field(console):
    assert "No good response" in errors(sign_in(console, fault="replayed"))["fault"]


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("person", "nobody@x.example"),
        ("fault", "all"),
        ("signs", ""),
        ("attributes", "99"),
        ("email", "a\x00b"),
        ("visit", "forged"),
        ("visit", ""),
    ],
)
def test_sign_in_form_returns_400_for_invalid_values(console, field, text):
    assert sign_in(console, **{field: text}).status_code == 400


def test_sign_in_returns_400_for_a_visit_of_another_app(console, folder):
    save_app(folder, App("b", "B", "i", "s", "http://localhost/acs"))
    assert console.post("/apps/b/sign-in", {**CHOSEN, "visit": visit_of(console)}).status_code == 400


def test_sign_in_form_preselects_the_person_who_signed_in_last(console, folder):
    save_people(folder, [IdpPerson("ada@x.example"), MARA])
    sign_in(console)
    assert page(console.get("/apps/acme/open")).forms[0].fields["person"] == MARA.email
    assert "idp_session" in console.cookies


def test_open_with_auto_signs_in_without_the_form(console):
    response = console.get("/apps/acme/open", {"auto": MARA.email, "RelayState": "r"})
    assert delivered(response)["RelayState"] == "r"


def test_app_with_sign_in_as_signs_that_person_in_without_the_form(console, folder):
    enter(console, "/apps/acme", sign_in_as="new@x.example")
    assert "SAMLResponse" in delivered(console.get("/apps/acme/open"))


@pytest.mark.parametrize("query", [{"fault": "all"}, {"auto": "a\x07@x.example"}])
def test_open_with_auto_and_invalid_values_returns_400(console, query):
    response = console.get("/apps/acme/open", {"auto": MARA.email, **query})
    assert response.status_code == 400
    assert "That isn’t a choice" in page(response).text_content()


def test_sp_initiated_sign_in_returns_the_relay_state_of_the_request(console):
    shown = console.post("/apps/acme/sso", {"SAMLRequest": base64.b64encode(REQUEST).decode(), "RelayState": "r1"})
    form = page(shown).forms[0]
    assert "relay_state" not in form.fields
    sent = delivered(console.post("/apps/acme/sign-in", {**CHOSEN, "visit": form.fields["visit"]}))
    assert (sent["RelayState"], b'InResponseTo="_r1"' in base64.b64decode(sent["SAMLResponse"])) == ("r1", True)


# DNS


def publish(console, **record):
    return console.post("/dns", record)


def test_dns_page_publishes_and_withdraws_records(console, folder):
    publish(console, name="_gatehouse.Northwind.example.", value="one")
    publish(console, name="_gatehouse.northwind.example", value="two")
    publish(console, name="_gatehouse.northwind.example", value="two")
    console.post("/dns/withdraw", {"name": "_gatehouse.northwind.example", "value": "one"})
    assert load_records(folder) == (TxtRecord("_gatehouse.northwind.example", "two"),)


def test_withdrawing_a_record_that_is_not_there_changes_nothing(console, folder):
    publish(console, name="a.example", value="one")
    assert console.post("/dns/withdraw", {"name": "a.example", "value": "two"}).status_code == 302
    assert load_records(folder) == (TxtRecord("a.example", "one"),)


@pytest.mark.parametrize(
    "name", ["", "example", "a b.example", "-.example", "http://a.example", "a..example", "é.example"]
)
def test_dns_page_returns_400_for_an_invalid_name(console, folder, name):
    response = publish(console, name=name, value="v")
    assert (response.status_code, list(errors(response))) == (400, ["name"])
    assert load_records(folder) == ()


# state


@pytest.mark.parametrize("path", ["/", "/apps/acme/open", "/dns", "/apps/acme/metadata"])
@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0" + bytes(4080)], ids=["text", "damaged"])
def test_page_returns_500_naming_a_state_file_that_is_no_database(console, folder, path, content):
    (folder / FILE).write_bytes(content)
    response = console.get(path)
    assert (response.status_code, f"{FILE} can’t be used" in page(response).text_content()) == (500, True)
    assert (folder / FILE).read_bytes() == content
