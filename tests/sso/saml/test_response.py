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
def test_white_space_around_a_name_id_is_removed(around):
    written = around.format("uma@acme.example")
    assert claims_of((NAME_ID, f"{written}</saml:NameID>")).subject == "uma@acme.example"


def test_white_space_around_a_name_id_does_not_count_toward_its_length():
    assert claims_of((NAME_ID, f"  {'u' * 512}\n</saml:NameID>")).subject == "u" * 512


def test_a_name_id_without_a_format_is_unspecified():
    assert claims_of((UNTYPED, "<saml:NameID>")).subject_format.endswith(":unspecified")


def test_name_id_format_of_100_characters_is_kept_whole():
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
def test_attribute_values_are_read_as_plain_text_only(attribute, expected):
    assert claims_of((STATEMENT, STATEMENT + attribute)).attributes["a"] == expected


def test_attribute_without_a_name_is_ignored():
    nameless = "<saml:Attribute><saml:AttributeValue>x</saml:AttributeValue></saml:Attribute>"
    assert claims_of((STATEMENT, STATEMENT + nameless)).attributes["email"] == ("uma@acme.example",)


def test_session_expiry_is_the_earliest_of_several_statements():
    more = '<saml:AuthnStatement AuthnInstant="2026-03-01T11:59:00Z" SessionNotOnOrAfter="2026-03-01T13:00:00Z"/>'
    assert claims_of((AUTHN_END, AUTHN_END + more)).session_expires_at == NOW.replace(hour=13)


def test_authn_context_is_empty_when_absent():
    told = "<saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
    assert claims_of((f"{told}</saml:AuthnContextClassRef></saml:AuthnContext>", "")).authn_context == ""


def test_session_index_is_truncated_to_256_characters():
    found = claims_of(('SessionIndex="_session-1"', f'SessionIndex="{"s" * 300}"'))
    assert found.session_index == "s" * 256


@pytest.mark.parametrize("signed", [(STANDARD, None), (None, STANDARD), (STANDARD, STANDARD)])
def test_claims_name_what_was_signed(signed):
    names = {name for name, style in zip(("assertion", "response"), signed, strict=True) if style}
    assert claims_of(assertion=signed[0], response=signed[1]).signed == names


def test_in_response_to_of_an_unsigned_response_is_refused_without_one_in_the_assertion():
    document = good("unsolicited_persistent").replace(b"Destination=", b'InResponseTo="_request-1" Destination=', 1)
    assert code_of(document) == "in_response_to_mismatch"


def test_unsigned_response_without_in_response_to_keeps_the_one_of_the_assertion():
    document = good("jumpcloud_assertion").replace(b' InResponseTo="_request-1"', b"", 1)
    assert outcome(document, expectation()) == accepted("jumpcloud_assertion")
    assert accepted("jumpcloud_assertion").request_id == "_request-1"


def test_unsigned_response_with_an_empty_in_response_to_keeps_the_one_of_the_assertion():
    document = good("jumpcloud_assertion").replace(b' InResponseTo="_request-1"', b' InResponseTo=""', 1)
    assert outcome(document, expectation()) == accepted("jumpcloud_assertion")


def test_unsigned_extensions_around_a_signed_assertion_change_no_claim():
    around = "<samlp:Extensions><x>olga@acme.example</x></samlp:Extensions><samlp:Status>"
    document = edited(good("jumpcloud_assertion").decode(), (("<samlp:Status>", around),))
    assert outcome(document, expectation()) == accepted("jumpcloud_assertion")


def test_response_without_both_signatures_is_refused_when_both_are_required():
    refusal = outcome(good("jumpcloud_response"), expectation(needs_both_signed=True))
    assert isinstance(refusal, SignInError)
    assert (refusal.expected, refusal.received) == ("response and assertion", "response")


def test_response_is_refused_when_the_assertion_signature_is_wrong_and_its_own_is_right():
    document = sign(edited(unsigned(), ((SUBJECT, f"@GAP@{SUBJECT}"),)), STANDARD)
    outer = edited(
        document, (("@GAP@", "<x/>"), (">https://idp.example/saml2/acme</saml:Issuer><samlp:Status>", OUTER))
    )
    assert code_of(sign(outer, None, STANDARD)) == "signature_invalid"


OUTER = ">https://idp.example/saml2/acme</saml:Issuer>@RESPONSE@<samlp:Status>"


def test_response_for_another_idp_acs_url_or_sp_is_refused():
    assert (
        code_of(good("jumpcloud_both"), expectation(idp_entity_id="https://idp.example/saml2/globex"))
        == "issuer_mismatch"
    )
    assert (
        code_of(good("jumpcloud_both"), expectation(acs_url="https://portal.example/saml/2/acs"))
        == "destination_mismatch"
    )
    assert code_of(good("jumpcloud_both"), expectation(sp_entity_id="urn:other")) == "audience_mismatch"
