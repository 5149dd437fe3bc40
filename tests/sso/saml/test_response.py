"""VerifiedIdentity: what is read of a person, and that it is read from signed bytes alone."""

import pytest

from sso.identity.errors import SignInError
from sso.saml.response import verify
from tests.sso.saml.messages import accepted, code_of, field, good, outcome
from tests.vectors.saml.defects import NAME_ID, SUBJECT, edited, unsigned
from tests.vectors.saml.signing import STANDARD, sign
from tests.vectors.saml.world import NOW, expectation

STATEMENT = "<saml:AttributeStatement>"
UNTYPED = '<saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">'
NIL = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"'
AUTHN_END = "</saml:AuthnStatement>"


def claims_of(*edits, assertion=STANDARD, response=None):
    return verify(field(sign(edited(unsigned(), edits), assertion, response)), expectation(), now=NOW)


@pytest.mark.parametrize("text", ["uma unal@acme.example", "O'Malley & <co>", "名前", "u" * 512])
def test_a_name_id_is_kept_as_it_is(text):
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    assert claims_of((NAME_ID, f"{escaped}</saml:NameID>")).subject == text


@pytest.mark.parametrize("around", [" {}", "{} ", "\n\t {}\n", "&#13;{}&#9;"])
def test_blanks_around_a_name_id_are_no_part_of_it(around):
    written = around.format("uma@acme.example")
    assert claims_of((NAME_ID, f"{written}</saml:NameID>")).subject == "uma@acme.example"


def test_blanks_around_a_name_id_do_not_count_as_its_length():
    assert claims_of((NAME_ID, f"  {'u' * 512}\n</saml:NameID>")).subject == "u" * 512


def test_a_name_id_without_a_format_is_unspecified():
    assert claims_of((UNTYPED, "<saml:NameID>")).subject_format.endswith(":unspecified")


def test_a_format_of_a_hundred_characters_is_kept_whole():
    longest = f"urn:{'x' * 96}"
    assert claims_of((UNTYPED, f'<saml:NameID Format="{longest}">')).subject_format == longest


def test_values_of_one_attribute_are_gathered_from_all_statements():
    more = '<saml:Attribute Name="email"><saml:AttributeValue>u@x.example</saml:AttributeValue></saml:Attribute>'
    found = claims_of((STATEMENT, f"{STATEMENT}{more}</saml:AttributeStatement>{STATEMENT}"))
    assert found.attributes["email"] == ("u@x.example", "uma@acme.example")


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ('<saml:Attribute Name="a"/>', ()),
        ('<saml:Attribute Name="a"><saml:AttributeValue/></saml:Attribute>', ()),
        ('<saml:Attribute Name="a"><saml:AttributeValue>b<x/>c</saml:AttributeValue></saml:Attribute>', ()),
        ('<saml:Attribute Name="a"><x>b</x><saml:AttributeValue>c</saml:AttributeValue></saml:Attribute>', ("c",)),
        (f'<saml:Attribute Name="a"><saml:AttributeValue {NIL}/></saml:Attribute>', ()),
    ],
    ids=["none", "empty", "elements", "foreign", "nil"],
)
def test_only_plain_values_are_read(attribute, expected):
    assert claims_of((STATEMENT, STATEMENT + attribute)).attributes["a"] == expected


def test_an_attribute_without_a_name_takes_none():
    nameless = "<saml:Attribute><saml:AttributeValue>x</saml:AttributeValue></saml:Attribute>"
    assert claims_of((STATEMENT, STATEMENT + nameless)).attributes["email"] == ("uma@acme.example",)


def test_of_several_sessions_the_first_to_end_counts():
    more = '<saml:AuthnStatement AuthnInstant="2026-03-01T11:59:00Z" SessionNotOnOrAfter="2026-03-01T13:00:00Z"/>'
    assert claims_of((AUTHN_END, AUTHN_END + more)).session_expires_at == NOW.replace(hour=13)


def test_a_statement_may_leave_out_how_the_person_signed_in():
    told = "<saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
    assert claims_of((f"{told}</saml:AuthnContextClassRef></saml:AuthnContext>", "")).authn_context == ""


def test_long_texts_are_cut():
    found = claims_of(('SessionIndex="_session-1"', f'SessionIndex="{"s" * 300}"'))
    assert found.session_index == "s" * 256


@pytest.mark.parametrize("signed", [(STANDARD, None), (None, STANDARD), (STANDARD, STANDARD)])
def test_claims_name_what_was_signed(signed):
    names = {name for name, style in zip(("assertion", "response"), signed, strict=True) if style}
    assert claims_of(assertion=signed[0], response=signed[1]).signed == names


def test_an_unsigned_response_cannot_say_which_request_it_answers():
    document = good("unsolicited_persistent").replace(b"Destination=", b'InResponseTo="_request-1" Destination=', 1)
    assert code_of(document) == "in_response_to_mismatch"


def test_nor_deny_that_it_answers_one():
    document = good("jumpcloud_assertion").replace(b' InResponseTo="_request-1"', b"", 1)
    assert outcome(document, expectation()) == accepted("jumpcloud_assertion")
    assert accepted("jumpcloud_assertion").request_id == "_request-1"


def test_what_it_leaves_empty_it_leaves_out():
    document = good("jumpcloud_assertion").replace(b' InResponseTo="_request-1"', b' InResponseTo=""', 1)
    assert outcome(document, expectation()) == accepted("jumpcloud_assertion")


def test_what_surrounds_a_signed_assertion_says_nothing_of_the_person():
    around = "<samlp:Extensions><x>olga@acme.example</x></samlp:Extensions><samlp:Status>"
    document = edited(good("jumpcloud_assertion").decode(), (("<samlp:Status>", around),))
    assert outcome(document, expectation()) == accepted("jumpcloud_assertion")


def test_a_connection_may_need_both_signatures():
    refusal = outcome(good("jumpcloud_response"), expectation(needs_both_signed=True))
    assert isinstance(refusal, SignInError)
    assert (refusal.expected, refusal.received) == ("response and assertion", "response")


def test_the_inner_signature_counts_though_the_outer_is_right():
    document = sign(edited(unsigned(), ((SUBJECT, f"@GAP@{SUBJECT}"),)), STANDARD)
    outer = edited(
        document, (("@GAP@", "<x/>"), (">https://idp.example/saml2/acme</saml:Issuer><samlp:Status>", OUTER))
    )
    assert code_of(sign(outer, None, STANDARD)) == "signature_invalid"


OUTER = ">https://idp.example/saml2/acme</saml:Issuer>@RESPONSE@<samlp:Status>"


def test_both_parts_of_the_message_are_made_for_one_connection():
    assert (
        code_of(good("jumpcloud_both"), expectation(idp_entity_id="https://idp.example/saml2/globex"))
        == "issuer_mismatch"
    )
    assert (
        code_of(good("jumpcloud_both"), expectation(acs_url="https://portal.example/saml/2/acs"))
        == "destination_mismatch"
    )
    assert code_of(good("jumpcloud_both"), expectation(sp_entity_id="urn:other")) == "audience_mismatch"
