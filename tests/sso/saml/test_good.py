"""What identity providers send in good faith is accepted, and says what it says."""

import pytest
import xmlsec
from lxml import etree

from sso.identity.types import as_json
from sso.saml.certificates import fingerprint
from sso.saml.response import KEPT_VALUES, verify
from tests.sso.saml.messages import GOOD_NAMES, accepted, code_of, expected_of, field, good, said
from tests.vectors.saml.defects import edited, unsigned
from tests.vectors.saml.good import GOOD
from tests.vectors.saml.hostile import many_groups, single_values
from tests.vectors.saml.signing import DSIG, ENVELOPED, STANDARD, Style, canonical_with, sign
from tests.vectors.saml.world import IDP, NOW, certificate_pem, expectation

BOTH_SIGNED = [name for name in GOOD_NAMES if len(said(name)["signed"]) == 2]
DETERMINISTIC = [name for name in GOOD if "ec" not in GOOD[name].pinned]


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_a_genuine_message_gives_its_claims(name):
    expected = said(name)
    pinned, _ = expected.pop("pinned"), expected.pop("habit", "")
    claims = as_json(verify(field(good(name)), expectation(*pinned), now=NOW))
    signers = {one for one in pinned for pair in signatures(name) if is_right(*pair, one)}
    assert claims.pop("certificates") == sorted(fingerprint(certificate_pem(one)) for one in signers)
    assert (claims.pop("left_out"), claims.pop("encrypted_attributes")) == ({}, 0)
    is_lasting = not expected["subject_format"].endswith(":transient")
    assert claims == expected | {"issuer": IDP, "is_lasting": is_lasting}


def test_accepted_vectors_and_their_files_match():
    assert sorted(GOOD) == GOOD_NAMES


@pytest.mark.parametrize("name", GOOD)
def test_vendor_vector_describes_the_habit_it_shows(name):
    assert said(name)["habit"].endswith(".")


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_accepted_vector_files_equal_what_the_generator_writes(name):
    assert GOOD[name].written() == good(name)


def signatures(name):
    root = etree.fromstring(good(name))
    for node in root.iter("{*}Response", "{*}Assertion"):
        yield from ((node, signature) for signature in node.findall(f"{{{DSIG}}}Signature"))


def is_right(node, signature, pinned):
    context = xmlsec.SignatureContext()
    context.register_id(node, "ID")
    context.key = xmlsec.Key.from_memory(certificate_pem(pinned), xmlsec.constants.KeyDataFormatCertPem)
    try:
        context.verify(signature)
    except xmlsec.Error:
        return False
    return True


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_xmlsec_verifies_each_signature(name):
    found = [any(is_right(*pair, pinned) for pinned in said(name)["pinned"]) for pair in signatures(name)]
    assert found == [True] * len(said(name)["signed"])


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_message_without_both_signatures_is_refused_when_both_are_required(name):
    refused = "" if name in BOTH_SIGNED else "signature_missing"
    assert code_of(good(name), expected_of(name, needs_both_signed=True)) == refused


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_genuine_message_is_refused_when_no_certificate_is_configured(name):
    assert code_of(good(name), expectation(certificates=())) == "signature_invalid"


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_genuine_message_is_refused_when_only_other_keys_are_configured(name):
    strangers = {"idp", "other", "ec"} - set(said(name)["pinned"])
    assert code_of(good(name), expectation(*strangers)) == "signature_invalid"


def test_the_order_of_certificates_does_not_matter():
    claims = [
        verify(field(good("rotation_each_signed_by_another_key")), expectation(*pinned), now=NOW)
        for pinned in (("idp", "other"), ("ec", "other", "idp"))
    ]
    assert claims[0] == claims[1]


def test_name_id_split_by_cdata_is_read_whole():
    whole, split = b">uma@acme.example</saml:NameID", b"><![CDATA[uma@]]>acme.example</saml:NameID"
    document = good("jumpcloud_assertion").replace(whole, split)
    assert verify(field(document), expectation(), now=NOW) == accepted("jumpcloud_assertion")


def test_base64_field_with_line_breaks_is_accepted():
    folded = "\r\n".join(field(good("okta_both"))[place : place + 76] for place in range(0, 10_000, 76))
    assert verify(folded, expectation(), now=NOW) == accepted("okta_both")


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b'<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n'])
def test_a_byte_order_mark_or_declaration_changes_nothing(mark):
    assert verify(field(mark + good("okta_both")), expectation(), now=NOW) == accepted("okta_both")


@pytest.mark.parametrize("count", [KEPT_VALUES, KEPT_VALUES + 1, 1_000, 2_500])
def test_message_with_a_thousand_groups_is_accepted(count):
    claims = verify(many_groups(count), expectation(), now=NOW)
    assert claims.attributes["groups"] == tuple(f"group-{place:04}" for place in range(min(count, KEPT_VALUES)))
    assert claims.left_out == ({"groups": count - KEPT_VALUES} if count > KEPT_VALUES else {})


def test_a_person_may_be_in_many_groups_each_of_which_is_an_attribute():
    claims = verify(single_values(2_500), expectation(), now=NOW)
    assert (len(claims.attributes["Role"]), claims.left_out) == (KEPT_VALUES, {"Role": 2_500 - KEPT_VALUES})


def test_message_with_a_thousand_groups_and_a_prefix_list_is_accepted():
    style = Style(transforms=ENVELOPED + canonical_with("#default saml ds xs xsi"))
    claims = verify(many_groups(2_500, style=style), expectation(), now=NOW)
    assert len(claims.attributes["groups"]) + claims.left_out["groups"] == 2_500


def test_encrypted_attributes_are_counted():
    hidden = "<saml:EncryptedAttribute><x/></saml:EncryptedAttribute>"
    document = sign(
        edited(unsigned(), (("</saml:AttributeStatement>", f"{hidden}</saml:AttributeStatement>"),)), STANDARD
    )
    assert verify(field(document), expectation(), now=NOW).encrypted_attributes == 1
