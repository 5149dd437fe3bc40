"""What every provider's data must hold, and what each one's console says, word for word."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, is_dataclass

import pytest

from orgs.providers.attributes import ProfileField
from orgs.providers.idp_settings import NameIdFormat, Setting
from orgs.providers.registry import PROVIDERS, provider, recognize
from orgs.providers.types import Instruction, MetadataWay, SpValue
from tests.architecture.source import modules

EMAIL, GIVEN, FAMILY, DISPLAY = ProfileField
URL, FILE, MANUAL = MetadataWay
MAY_BE_EMPTY = {"note", "hint", "choice"}
FORMS = {
    "jumpcloud": [
        (SpValue.IDP_ENTITY_ID, "IdP Entity ID"),
        (SpValue.SP_ENTITY_ID, "SP Entity ID"),
        (SpValue.ACS_URL, "ACS URLs"),
        (SpValue.SP_CERTIFICATE, "SP Certificate"),
        (SpValue.SUBJECT_NAME, "SAMLSubject NameID"),
        (SpValue.NAME_ID_FORMAT, "SAMLSubject NameID Format"),
        (None, "Signature Algorithm"),
        (None, "Sign"),
        (None, "Default RelayState"),
        (SpValue.LOGIN_URL, "Login URL"),
        (None, "IDP URL"),
        (None, "Declare Redirect Endpoint"),
    ],
    "okta": [
        (SpValue.ACS_URL, "Single sign-on URL"),
        (SpValue.SP_ENTITY_ID, "Audience URI (SP Entity ID)"),
        (SpValue.NAME_ID_FORMAT, "Name ID format"),
        (SpValue.SUBJECT_NAME, "Application username"),
        (SpValue.LOGIN_URL, "Login URL"),
    ],
    "entra": [
        (SpValue.SP_ENTITY_ID, "Identifier (Entity ID)"),
        (SpValue.ACS_URL, "Reply URL (Assertion Consumer Service URL)"),
        (SpValue.LOGIN_URL, "Sign on URL (Optional)"),
        (SpValue.SUBJECT_NAME, "Unique User Identifier (Name ID)"),
        (SpValue.NAME_ID_FORMAT, "Name identifier format"),
    ],
    "google": [
        (SpValue.ACS_URL, "ACS URL"),
        (SpValue.SP_ENTITY_ID, "Entity ID"),
        (SpValue.NAME_ID_FORMAT, "Name ID format"),
        (SpValue.SUBJECT_NAME, "Name ID"),
        (SpValue.LOGIN_URL, "Login URL"),
    ],
    "onelogin": [
        (SpValue.SP_ENTITY_ID, "Audience (EntityID)"),
        (SpValue.ACS_URL, "ACS (Consumer) URL"),
        (SpValue.LOGIN_URL, "Login URL"),
        (SpValue.NAME_ID_FORMAT, "SAML nameID format"),
        (SpValue.SUBJECT_NAME, "NameID value"),
    ],
    "pingone": [
        (SpValue.ACS_URL, "ACS URLs"),
        (SpValue.SP_ENTITY_ID, "Entity ID"),
        (SpValue.NAME_ID_FORMAT, "Subject NameID Format"),
        (SpValue.SUBJECT_NAME, "saml_subject"),
        (SpValue.LOGIN_URL, "Login URL"),
    ],
    "custom": [
        (SpValue.SP_METADATA_URL, "Service provider metadata"),
        (SpValue.IDP_ENTITY_ID, "Entity ID of the identity provider"),
        (SpValue.SP_ENTITY_ID, "Entity ID of the service provider"),
        (SpValue.ACS_URL, "Assertion Consumer Service (ACS) URL"),
        (SpValue.SUBJECT_NAME, "Name ID"),
        (SpValue.NAME_ID_FORMAT, "Name ID format"),
        (SpValue.LOGIN_URL, "Login URL"),
    ],
}
CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"
each = pytest.mark.parametrize("one", PROVIDERS, ids=lambda one: one.code)


def texts(part: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a provider, with the name of the field that it is in."""
    if isinstance(part, str):
        yield name, str(part)
    elif isinstance(part, dict):
        yield from (found for value in part.values() for found in texts(value, name))
    elif isinstance(part, tuple):
        yield from (found for value in part for found in texts(value, name))
    elif is_dataclass(part):
        yield from (found for its in fields(part) for found in texts(getattr(part, its.name), its.name))


def test_the_tiles_are_in_their_order():
    names = ["JumpCloud", "Okta", "Microsoft Entra ID", "Google Workspace", "OneLogin", "PingOne", "Custom SAML"]
    assert [one.name for one in PROVIDERS if one.name in names] == names
    assert PROVIDERS[-1].code == "custom"


@each
def test_a_provider_is_found_by_its_code(one):
    assert provider(one.code) is one


@pytest.mark.parametrize("code", ["", "auth0", "JumpCloud", "jumpcloud "])
def test_a_code_that_is_not_known_stands_for_any_provider(code):
    assert provider(code).code == "custom"


def test_no_two_providers_share_a_code_or_a_name():
    assert len({one.code for one in PROVIDERS}) == len({one.name for one in PROVIDERS}) == len(PROVIDERS)


@pytest.mark.parametrize("code", FORMS)
def test_a_form_has_its_own_labels_in_its_own_order(code):
    assert [(row.value, row.label) for row in provider(code).guide.form] == FORMS[code]


@each
def test_each_value_is_copied_once(one):
    assert set(Counter(row.value for row in one.guide.form if row.value).values()) == {1}


@each
def test_a_field_of_the_form_has_a_value_of_ours_or_a_choice(one):
    assert [row.label for row in one.guide.form if (row.value is None) is not bool(row.choice)] == []


@each
def test_the_values_that_every_sign_in_needs_are_required(one):
    required = {row.value for row in one.guide.form if row.required}
    assert {SpValue.SP_ENTITY_ID, SpValue.ACS_URL, SpValue.SUBJECT_NAME, SpValue.NAME_ID_FORMAT} <= required


@each
def test_the_login_url_is_shown_for_every_provider(one):
    assert SpValue.LOGIN_URL in {row.value for row in one.guide.form}


def test_only_jumpcloud_demands_an_entity_id_of_its_own():
    typed = {
        one.code: row.required for one in PROVIDERS for row in one.guide.form if row.value is SpValue.IDP_ENTITY_ID
    }
    assert typed == {"jumpcloud": True, "custom": False}


@each
def test_metadata_is_asked_for_by_link_first_save_of_google_which_has_none(one):
    assert [hint.way for hint in one.guide.metadata] == (
        [FILE, MANUAL] if one.code == "google" else [URL, FILE, MANUAL]
    )


@each
def test_every_setting_can_be_mended(one):
    assert set(one.guide.fixes) == set(Setting)


@each
def test_email_and_names_are_asked_for(one):
    assert [row.field for row in one.guide.attributes if row.required] == [EMAIL, GIVEN, FAMILY]


@each
def test_the_name_id_asked_for_is_an_email_address(one):
    assert one.guide.name_id_format is NameIdFormat.EMAIL


# what is written


@each
def test_no_text_is_empty(one):
    assert [name for name, text in texts(one.guide) if not text.strip() and name not in MAY_BE_EMPTY] == []


@each
def test_no_list_is_empty(one):
    whole_form = {"after_copy"} if any(row.choice for row in one.guide.form) else set()
    assert [
        its.name for its in fields(one.guide) if not getattr(one.guide, its.name) and its.name not in whole_form
    ] == []


@each
def test_texts_have_one_space_and_typographic_apostrophes(one):
    assert [text for _, text in texts(one.guide) if "  " in text or text != text.strip() or "'" in text] == []


@each
def test_sentences_are_whole(one):
    steps = (
        *one.guide.before,
        *one.guide.after_copy,
        *one.guide.attribute_steps,
        *one.guide.assign,
        *one.guide.renewal,
    )
    sentences = [
        *one.guide.traps,
        *one.guide.fixes.values(),
        *(step.text for step in steps),
        *(row.hint for row in one.guide.form),
    ]
    assert [text for text in sentences if not text.endswith(".")] == []


@each
def test_bold_is_closed_and_found_in_instructions_alone(one):
    marked = [(name, text.count("**")) for name, text in texts(one.guide) if "**" in text]
    assert [(name, count) for name, count in marked if name != "text" or count % 2] == []


@each
def test_a_monogram_fits_its_tile(one):
    assert len(one.monogram) <= 2


def test_bold_words_are_told_from_the_rest():
    runs = Instruction("Open **SSO**, then **Save**").runs
    assert [(run.text, run.is_label) for run in runs] == [
        ("Open ", False),
        ("SSO", True),
        (", then ", False),
        ("Save", True),
    ]


@pytest.mark.parametrize("value", [*SpValue, *ProfileField])
def test_every_value_and_field_has_a_name_of_ours(value):
    assert value.label


@pytest.mark.parametrize(("code", "party"), [("okta", "Okta"), ("custom", "your identity provider")])
def test_a_sentence_names_a_provider_that_has_a_name(code, party):
    assert provider(code).party == party


# names of attributes


@pytest.mark.parametrize(
    ("field", "names"),
    [
        (EMAIL, ["email", "mail", "Email", "emailAddress", "User.email", "urn:oid:0.9.2342.19200300.100.1.3"]),
        (EMAIL, [f"{CLAIMS}/emailaddress"]),
        (GIVEN, ["firstname", "firstName", "FirstName", "first_name", "givenName", "User.FirstName"]),
        (GIVEN, ["urn:oid:2.5.4.42", f"{CLAIMS}/givenname"]),
        (FAMILY, ["lastname", "lastName", "LastName", "last_name", "sn", "User.LastName"]),
        (FAMILY, ["urn:oid:2.5.4.4", f"{CLAIMS}/surname"]),
        (DISPLAY, ["displayName", "cn", "name", "urn:oid:2.16.840.1.113730.3.1.241"]),
    ],
)
@each
def test_the_usual_names_are_understood_from_every_provider(one, field, names):
    assert set(names) <= set(one.guide.aliases[field])


@each
def test_the_names_that_the_guide_gives_are_looked_for_first(one):
    assert {row.field: row.name for row in one.guide.attributes}.items() <= {
        field: names[0] for field, names in one.guide.aliases.items()
    }.items()


@each
def test_no_name_stands_for_two_fields_or_twice_for_one(one):
    assert [
        name
        for name, times in Counter(name for names in one.guide.aliases.values() for name in names).items()
        if times > 1
    ] == []


@each
def test_no_two_fields_have_names_that_differ_in_case_alone(one):
    folded = Counter(name for names in one.guide.aliases.values() for name in {name.casefold() for name in names})
    assert [name for name, fields_ in folded.items() if fields_ > 1] == []


def test_entras_user_principal_name_is_nobodys_display_name():
    assert f"{CLAIMS}/name" not in provider("entra").guide.aliases[DISPLAY]


# whose address


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("https://sso.jumpcloud.com/saml2/gatehouse", "jumpcloud"),
        ("https://acme.okta.com/app/exk1/sso/saml/metadata", "okta"),
        ("http://www.okta.com/exk1", "okta"),
        ("https://ACME.OktaPreview.com/", "okta"),
        ("https://sts.windows.net/7c9e/", "entra"),
        ("https://login.microsoftonline.com/7c9e/federationmetadata/2007-06/federationmetadata.xml?appid=1", "entra"),
        ("https://accounts.google.com/o/saml2?idpid=C01", "google"),
        ("https://app.onelogin.com/saml/metadata/1", "onelogin"),
        ("https://auth.pingone.eu/7c9e/saml20/metadata/1", "pingone"),
    ],
)
def test_a_providers_own_addresses_are_recognized(address, code):
    assert recognize(address).code == code


@pytest.mark.parametrize(
    "address",
    [
        "",
        "JumpCloud",
        "https://idp.acme.example/",
        "https://notokta.com/",
        "https://okta.com.evil.example/",
        "http://[",
    ],
)
def test_other_addresses_are_not(address):
    assert recognize(address) is None


def test_the_data_knows_no_framework():
    assert [module.place for module in modules("orgs/providers") if "django" in module.text] == []


@each
def test_a_certificate_is_renewed_here_before_it_is_used_there_and_removed_last(one):
    steps = [step.text for step in one.guide.renewal]
    assert ["Reconfigure" in step for step in steps] == [False, True, False, False, False]
    assert "Leave **Keep trusting these certificates, too** ticked" in steps[1]
    assert "activate it" in steps[2]
    assert "remove the old one" in steps[4]


OFFERED = (
    "Custom Application",
    "Create Custom Integration",
    "Upload Metadata",
    "Constant Attributes",
    "Group Attribute",
    "AMR",
)


@pytest.mark.parametrize("name", OFFERED)
def test_jumpclouds_guide_names_what_its_form_offers_beyond_the_values(name):
    steps = (*provider("jumpcloud").guide.before, *provider("jumpcloud").guide.attribute_steps)
    assert name in " ".join(step.text for step in steps)
