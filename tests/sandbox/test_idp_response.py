"""What the test IdP sends: good as vendors send it, or wrong in the one way that was chosen."""

import base64
import zlib
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest
import xmlsec
from lxml import etree
from saml2.xml.schema import validate

from sandbox.test_idp.assertion import answer
from sandbox.test_idp.authn_request import read_post, read_redirect, require_match
from sandbox.test_idp.delivery import SignIn, deliver, readable
from sandbox.test_idp.errors import AuthnRequestMismatch, NothingToReplay, RequestUnreadable
from sandbox.test_idp.keys import bare, ensure_keys
from sandbox.test_idp.state import save_app
from sandbox.test_idp.types import (
    PRESETS,
    App,
    AuthnRequestFacts,
    Fault,
    IdpNameIdFormat,
    IdpPerson,
    NameIdSource,
    ResponseOptions,
    Signs,
    Style,
    Visit,
)

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
ACS = "http://localhost:8000/saml/c1/acs"
APP = App("acme", "Acme", "acme-idp", "http://localhost:8000/saml/c1/metadata", ACS, signs=Signs.BOTH)
MARA = IdpPerson("mara@northwind.example", "Mara", "Lindgren", "mara", ("Engineering", "Støtte & Salg"))
REQUEST = AuthnRequestFacts("_r1", APP.sp_entity_id, "HTTP-Redirect", ACS)
SSO = "http://127.0.0.1:8001/apps/acme/sso"
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
# new with each response, or a digest of all the rest
VOLATILE = {"@ID", "@URI", "@SessionIndex", "DigestValue", "SignatureValue"}


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return ensure_keys(tmp_path_factory.mktemp("keys"))


def made(keys, fault=Fault.NONE, app=APP, request=REQUEST, person=MARA):
    return etree.fromstring(answer(app, person, request, app.usual_choice(fault), keys=keys, now=NOW))


def verified(response, certificate):
    """Return the names of the elements whose signature libxmlsec accepts by the certificate's key."""
    xmlsec.tree.add_ids(response, ["ID"])
    return [name(one.getparent()) for one in response.iter(SIGNATURE) if is_valid(one, certificate)]


def is_valid(signature, certificate):
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(certificate, xmlsec.constants.KeyDataFormatCertPem)
    try:
        context.verify(signature)
    except xmlsec.Error:
        return False
    return True


def name(element):
    return etree.QName(element).localname


def facts(response):
    """Return every text and attribute by its place, without what no two responses share."""
    found = defaultdict(list)
    for element in response.iter():
        place = "/".join(map(name, [*reversed(list(element.iterancestors())), element]))
        if (element.text or "").strip() and name(element) not in VOLATILE:
            found[place].append(element.text)
        for key, value in element.items():
            if f"@{key}" not in VOLATILE:
                found[f"{place}@{etree.QName(key).localname}"].append(value)
    return found


def differences(one, other):
    """Return the last parts of the places where two responses differ."""
    left, right = facts(one), facts(other)
    return {place.rpartition("/")[2] for place in {*left, *right} if left.get(place) != right.get(place)}


ALGORITHMS = {
    f"{element}@Algorithm" for element in ("CanonicalizationMethod", "SignatureMethod", "Transform", "DigestMethod")
}
WINDOW = {"SubjectConfirmationData@NotOnOrAfter", "Conditions@NotBefore", "Conditions@NotOnOrAfter"}
DIFFERENCES = {
    Fault.NONE: set(),
    Fault.EXPIRED: WINDOW,
    Fault.NOT_YET_VALID: WINDOW,
    Fault.WRONG_AUDIENCE: {"Audience"},
    Fault.WRONG_RECIPIENT: {"SubjectConfirmationData@Recipient"},
    Fault.WRONG_DESTINATION: {"Response@Destination"},
    Fault.WRONG_ISSUER: {"Issuer"},
    Fault.UNSIGNED: {*ALGORITHMS, "X509Certificate"},
    Fault.OTHER_KEY: {"X509Certificate"},
    Fault.SHA1: {"SignatureMethod@Algorithm", "DigestMethod@Algorithm"},
    Fault.NO_EMAIL: {"Attribute@Name", "Attribute@NameFormat", "AttributeValue", "AttributeValue@type"},
}


@pytest.mark.parametrize("fault", DIFFERENCES)
def test_fault_changes_only_the_part_it_names(keys, fault):
    assert differences(made(keys), made(keys, fault)) == DIFFERENCES[fault]


def test_every_fault_is_covered_by_these_tests():
    assert {*DIFFERENCES, Fault.STATUS_FAILURE, Fault.REPLAYED} == set(Fault)


@pytest.mark.parametrize("fault", [fault for fault in DIFFERENCES if fault not in {Fault.UNSIGNED, Fault.OTHER_KEY}])
def test_both_signatures_are_valid_with_any_other_fault(keys, fault):
    assert verified(made(keys, fault), keys.signing.certificate) == ["Response", "Assertion"]


@pytest.mark.parametrize(("fault", "signed"), [(Fault.OTHER_KEY, 2), (Fault.UNSIGNED, 0)])
def test_no_signature_is_valid_with_fault_other_key_or_unsigned(keys, fault, signed):
    response = made(keys, fault)
    assert len(list(response.iter(SIGNATURE))) == signed
    assert verified(response, keys.signing.certificate) == []


def test_response_with_fault_other_key_is_verified_by_the_other_certificate(keys):
    assert verified(made(keys, Fault.OTHER_KEY), keys.other.certificate) == ["Response", "Assertion"]


@pytest.mark.parametrize(
    ("fault", "begins", "ends"), [(Fault.NONE, -5, 5), (Fault.EXPIRED, -65, -55), (Fault.NOT_YET_VALID, 55, 65)]
)
def test_response_conditions_are_valid_for_ten_minutes_around_their_time(keys, fault, begins, ends):
    conditions = made(keys, fault).find(".//{*}Conditions")
    bounds = [datetime.fromisoformat(conditions.get(name)) for name in ("NotBefore", "NotOnOrAfter")]
    moment = NOW.replace(microsecond=123000)
    assert bounds == [moment + timedelta(minutes=begins), moment + timedelta(minutes=ends)]


@pytest.mark.parametrize(
    ("signs", "elements"),
    [(Signs.RESPONSE, ["Response"]), (Signs.ASSERTION, ["Assertion"]), (Signs.BOTH, ["Response", "Assertion"])],
)
@pytest.mark.parametrize("style", Style)
def test_app_setting_decides_which_elements_are_signed_in_every_style(keys, style, signs, elements):
    app = App("a", "A", "idp", "sp", ACS, signs=signs, style=style, attributes=PRESETS[style])
    assert verified(made(keys, app=app), keys.signing.certificate) == elements


def test_signature_element_follows_the_issuer(keys):
    response = made(keys)
    places = [[name(child) for child in element][:2] for element in (response, response.find("{*}Assertion"))]
    assert places == [["Issuer", "Signature"]] * 2


@pytest.mark.parametrize("fault", [Fault.NONE, Fault.STATUS_FAILURE])
@pytest.mark.parametrize("style", Style)
def test_a_response_is_valid_by_the_schema(keys, style, fault):
    app = App("a", "A", "idp", "sp", ACS, signs=Signs.BOTH, style=style, attributes=PRESETS[style])
    validate(etree.tostring(made(keys, fault, app), encoding="unicode"))


def test_changed_name_id_invalidates_both_signatures(keys):
    response = made(keys)
    response.find(".//{*}NameID").text = "tomas@northwind.example"
    assert verified(response, keys.signing.certificate) == []


def test_key_info_has_the_signing_certificate(keys):
    sent = made(keys).findtext(".//{*}X509Certificate")
    assert "".join(sent.split()) == bare(keys.signing.certificate)


def test_response_has_in_response_to_of_its_request(keys):
    response = made(keys)
    assert response.get("InResponseTo") == response.find(".//{*}SubjectConfirmationData").get("InResponseTo") == "_r1"


def test_unsolicited_response_has_no_in_response_to(keys):
    assert b"InResponseTo" not in etree.tostring(made(keys, request=None))


def test_response_with_fault_status_failure_has_status_codes_and_no_assertion(keys):
    response = made(keys, Fault.STATUS_FAILURE)
    codes = [code.get("Value").rpartition(":")[2] for code in response.iter("{*}StatusCode")]
    assert codes == ["Responder", "RequestDenied"]
    assert response.find("{*}Assertion") is None
    assert verified(response, keys.signing.certificate) == ["Response"]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (NameIdSource.EMAIL, "mara@northwind.example"),
        (NameIdSource.USERNAME, "mara"),
        (NameIdSource.CUSTOM, "badge 7"),
    ],
)
def test_name_id_follows_the_source_and_format_of_the_app(keys, source, text):
    app = App("a", "A", "i", "s", ACS, source, "badge 7", IdpNameIdFormat.PERSISTENT)
    name_id = made(keys, app=app).find(".//{*}NameID")
    assert (name_id.text, name_id.get("Format")) == (text, IdpNameIdFormat.PERSISTENT)


@pytest.mark.parametrize("style", Style)
def test_each_style_sends_the_same_values_under_its_own_attribute_names(keys, style):
    app = App("a", "A", "idp", "sp", ACS, style=style, attributes=PRESETS[style])
    told = {one.get("Name"): [value.text for value in one] for one in made(keys, app=app).iter("{*}Attribute")}
    assert list(told) == [attribute.name for attribute in PRESETS[style]]
    assert {"mara@northwind.example", "Mara", "Lindgren", "Støtte & Salg"} <= {
        v for values in told.values() for v in values
    }


def test_response_without_attributes_has_no_attribute_statement(keys):
    sent = answer(APP, MARA, REQUEST, ResponseOptions((), Signs.RESPONSE), keys=keys, now=NOW)
    assert b"AttributeStatement" not in sent


# delivery


def sent(folder, fault=Fault.NONE, request=REQUEST, relay_state="r"):
    save_app(folder, APP)
    return deliver(folder, APP, SignIn(Visit(request, relay_state), MARA, APP.usual_choice(fault)), now=NOW)


def test_replayed_response_is_the_last_good_one_unchanged(tmp_path):
    sent(tmp_path)
    good = sent(tmp_path)
    sent(tmp_path, Fault.EXPIRED)
    assert sent(tmp_path, Fault.REPLAYED, AuthnRequestFacts("_r2", "s", "HTTP-POST"), "other") == good


def test_replay_raises_nothing_to_replay_before_a_good_response(tmp_path):
    with pytest.raises(NothingToReplay):
        sent(tmp_path, Fault.REPLAYED)


def test_shown_response_is_indented_and_the_sent_one_is_not(tmp_path):
    delivery = sent(tmp_path)
    assert "\n  <samlp:Status>" in readable(delivery)
    assert b"\n  <samlp:Status>" not in base64.b64decode(delivery.saml_response)


# requests


def request_xml(issuer=APP.sp_entity_id, **given):
    marks = {"ID": "_r1", "Version": "2.0", "AssertionConsumerServiceURL": ACS}
    root = etree.Element("{urn:oasis:names:tc:SAML:2.0:protocol}AuthnRequest", {**marks, **given})
    etree.SubElement(root, "{urn:oasis:names:tc:SAML:2.0:assertion}Issuer").text = issuer
    policy = etree.SubElement(root, "{urn:oasis:names:tc:SAML:2.0:protocol}NameIDPolicy")
    policy.set("Format", IdpNameIdFormat.EMAIL)
    return etree.tostring(root)


def deflated(document):
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return base64.b64encode(compressor.compress(document) + compressor.flush()).decode()


def posted(document):
    return base64.b64encode(document).decode()


def test_authn_request_is_read_by_post_and_by_redirect():
    document = request_xml(Destination=SSO, ForceAuthn="true")
    expected = AuthnRequestFacts(
        "_r1", APP.sp_entity_id, "HTTP-POST", ACS, SSO, IdpNameIdFormat.EMAIL, is_signed=False, force_authn=True
    )
    assert read_post(posted(document)) == expected
    redirected = read_redirect(deflated(document), is_signed=True)
    assert (redirected.binding, redirected.is_signed, redirected.id) == ("HTTP-Redirect", True, "_r1")


def test_authn_request_with_a_signature_is_read_as_signed():
    signed = etree.fromstring(request_xml())
    etree.SubElement(signed, SIGNATURE)
    assert read_post(posted(etree.tostring(signed))).is_signed


XXE = b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + request_xml()
HOSTILE = {
    "": "missing",
    "%%%": "base64",
    "é": "base64",
    posted(b"hello"): "isn’t XML",
    posted(b"<a/>"): "isn’t an AuthnRequest",
    posted(request_xml(Version="1.1")): "isn’t an AuthnRequest",
    posted(request_xml(ID="1 2")): "lacks an ID",
    posted(request_xml(ID="")): "lacks an ID",
    posted(request_xml(issuer=" ")): "or an Issuer",
    posted(XXE): "DTD",
    posted(b"<!DOCTYPE a>" + request_xml()): "DTD",
    posted(('<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a>' + request_xml().decode()).encode("utf-16")): "DTD",
    posted(b" " * 70_000): "larger",
    "A" * 140_000: "larger",
}


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: f"{HOSTILE[text]}, {len(text)}")
def test_malformed_post_request_raises_request_unreadable_with_the_reason(text):
    with pytest.raises(RequestUnreadable, match=HOSTILE[text]):
        read_post(text)


BOMBS = {
    posted(b"not deflated"): "DEFLATE",
    deflated(b"<a>" + b" " * 50_000_000): "larger",
    deflated(request_xml())[:-8]: "cut off",
    deflated(XXE): "DTD",
}


@pytest.mark.parametrize("text", BOMBS, ids=BOMBS.values())
def test_malformed_redirect_request_raises_request_unreadable_with_the_reason(text):
    with pytest.raises(RequestUnreadable, match=BOMBS[text]):
        read_redirect(text, is_signed=False)


@pytest.mark.parametrize(
    ("request_facts", "named"),
    [
        (AuthnRequestFacts("_1", "other", "HTTP-POST"), "SP Entity ID"),
        (AuthnRequestFacts("_1", APP.sp_entity_id, "HTTP-POST", acs_url=f"{ACS}/"), "ACS URL"),
        (AuthnRequestFacts("_1", APP.sp_entity_id, "HTTP-POST", destination="http://x.example"), "this page’s address"),
    ],
)
def test_require_match_names_the_value_that_differs_from_the_app(request_facts, named):
    with pytest.raises(AuthnRequestMismatch, match=named):
        require_match(request_facts, APP, SSO)


def test_require_match_accepts_a_request_without_acs_url_and_destination():
    require_match(AuthnRequestFacts("_1", APP.sp_entity_id, "HTTP-POST"), APP, SSO)
