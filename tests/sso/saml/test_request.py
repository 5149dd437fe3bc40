"""AuthnRequests: what they say, and that an IdP can verify them."""

import base64
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import xmlsec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from lxml import etree
from saml2.xml.schema import validate

from orgs.providers.idp_settings import NameIdFormat
from sso.connections.types import Binding, Endpoint
from sso.saml.certificates import make_key_pair, public_key
from sso.saml.markup import parse
from sso.saml.request import make_request, new_request_id, warm_up
from sso.saml.signature import verify
from sso.saml.types import ServiceProvider
from tests.architecture.source import ROOT
from tests.vectors.saml.world import NOW

SP = ServiceProvider("https://portal.example/saml/1/metadata", "https://portal.example/saml/1/acs")
REDIRECT = Endpoint(Binding.REDIRECT, "https://idp.example/sso?tenant=1")
POST = Endpoint(Binding.POST, "https://idp.example/sso")


@pytest.fixture(scope="module")
def pairs():
    return [make_key_pair(name, now=NOW) for name in ("one", "two")]


def make(endpoint, pair, sp=SP):
    return make_request(sp, endpoint, pair, relay_state="opaque key", now=NOW)


def document_of(made):
    if made.fields:
        return base64.b64decode(made.fields["SAMLRequest"])
    packed = parse_qs(urlsplit(made.url).query)["SAMLRequest"][0]
    return zlib.decompress(base64.b64decode(packed), -zlib.MAX_WBITS)


def verify_redirect(url, pair):
    """Verify over the octets as they stand in the URL (SAML Bindings §3.4.4.1), as an IdP does."""
    query = urlsplit(url).query
    signed = query[query.index("SAMLRequest=") : query.index("&Signature=")]
    signature = base64.b64decode(dict(parse_qsl(query))["Signature"])
    public_key(pair.certificate_pem).verify(signature, signed.encode(), padding.PKCS1v15(), hashes.SHA256())


def verify_post(document, pair):
    root = etree.fromstring(document)
    xmlsec.tree.add_ids(root, ["ID"])
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(pair.certificate_pem, xmlsec.KeyFormat.CERT_PEM)
    context.verify(xmlsec.tree.find_node(root, xmlsec.Node.SIGNATURE))


@pytest.mark.parametrize("endpoint", [REDIRECT, POST], ids=["Redirect", "POST"])
def test_request_has_issuer_acs_url_destination_and_name_id_policy(endpoint, pairs):
    made = make(endpoint, pairs[0])
    root = etree.fromstring(document_of(made))
    assert dict(root.attrib) == {
        "ID": made.request_id,
        "Version": "2.0",
        "IssueInstant": "2026-03-01T12:00:00Z",
        "Destination": endpoint.location,
        "AssertionConsumerServiceURL": SP.acs_url,
        "ProtocolBinding": Binding.POST,
    }
    assert root.findtext("{*}Issuer") == SP.entity_id
    assert dict(root.find("{*}NameIDPolicy").attrib) == {"AllowCreate": "true", "Format": NameIdFormat.EMAIL}


def test_request_has_the_name_id_format_of_the_connection(pairs):
    sp = ServiceProvider(SP.entity_id, SP.acs_url, NameIdFormat.PERSISTENT)
    root = etree.fromstring(document_of(make(POST, pairs[0], sp)))
    assert root.find("{*}NameIDPolicy").get("Format") == NameIdFormat.PERSISTENT


def test_redirect_request_is_one_url_with_a_verifiable_signature(pairs):
    made = make(REDIRECT, pairs[0])
    assert made.url.startswith("https://idp.example/sso?tenant=1&SAMLRequest=")
    assert parse_qs(urlsplit(made.url).query)["RelayState"] == ["opaque key"]
    assert made.fields == {}
    verify_redirect(made.url, pairs[0])
    with pytest.raises(InvalidSignature):
        verify_redirect(made.url, pairs[1])


@pytest.mark.parametrize(
    ("location", "begins"),
    [
        ("https://idp.example/sso?", "https://idp.example/sso?SAMLRequest="),
        ("https://idp.example/sso?q=?", "https://idp.example/sso?q=?&SAMLRequest="),
        ("https://idp.example/sso;v=1", "https://idp.example/sso;v=1?SAMLRequest="),
    ],
)
def test_redirect_url_has_one_question_mark_when_the_endpoint_ends_with_one(pairs, location, begins):
    assert make(Endpoint(Binding.REDIRECT, location), pairs[0]).url.startswith(begins)


def test_post_request_is_a_form_with_a_verifiable_signature(pairs):
    made = make(POST, pairs[0])
    assert (made.url, made.fields["RelayState"]) == (POST.location, "opaque key")
    verify_post(document_of(made), pairs[0])
    with pytest.raises(xmlsec.VerificationError):
        verify_post(document_of(made), pairs[1])


@pytest.mark.parametrize("endpoint", [REDIRECT, POST], ids=["Redirect", "POST"])
def test_a_request_is_valid_by_the_schema(endpoint, pairs):
    validate(document_of(make(endpoint, pairs[0])).decode())


def test_request_escapes_markup_in_entity_id_and_urls(pairs):
    sp = ServiceProvider('urn:"<a>&amp;', "https://portal.example/?a=1&b='2'")
    document = document_of(make(POST, pairs[0], sp))
    verify_post(document, pairs[0])
    assert etree.fromstring(document).findtext("{*}Issuer") == sp.entity_id


def test_request_signature_is_verified_by_the_response_verifier(pairs):
    root = parse(document_of(make(POST, pairs[0])))
    assert b"Issuer" in verify(root, [public_key(pairs[0].certificate_pem)])[0]


@pytest.mark.parametrize("endpoint", [REDIRECT, POST], ids=["redirect", "post"])
def test_relay_state_is_the_request_id_when_none_is_given(endpoint, pairs):
    found = make_request(SP, endpoint, pairs[0], now=NOW)
    sent = found.fields.get("RelayState") or parse_qs(urlsplit(found.url).query)["RelayState"][0]
    assert sent == found.request_id
    # as many bytes as SAML Bindings §3.4.3 allows
    assert len(sent) <= 80


@pytest.mark.parametrize("kept", ["", "a&b=c d+é", "x" * 80])
def test_redirect_signature_covers_the_relay_state(kept, pairs):
    url = make_request(SP, REDIRECT, pairs[0], relay_state=kept, now=NOW).url
    verify_redirect(url, pairs[0])
    assert parse_qs(urlsplit(url).query).get("RelayState", [""]) == [kept]


def test_concurrent_requests_of_two_connections_are_each_signed_with_their_own_key(pairs):
    def sign_and_verify(number):
        pair = pairs[number % 2]
        verify_redirect(make(REDIRECT, pair).url, pair)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(sign_and_verify, range(200)))


def test_request_ids_are_unique():
    ids = {new_request_id() for _ in range(1_000)}
    assert len(ids) == 1_000
    assert all(identity.startswith("_") and len(identity) == 41 for identity in ids)


def test_warm_up_loads_pysaml2():
    warm_up()
    assert "saml2.sigver" in sys.modules


SCRIPT = """
from sso.saml.certificates import make_key_pair
from sso.saml.request import make_request
from sso.connections.types import Endpoint, Binding
from sso.saml.types import ServiceProvider
from tests.sso.saml.messages import accepted
from tests.vectors.saml.world import NOW
assert accepted("okta_both").subject
make_request(ServiceProvider("a", "b"), Endpoint(Binding.POST, "https://x"), make_key_pair("x", now=NOW), relay_state="", now=NOW)
"""


def test_request_is_signed_without_any_program_on_the_path():
    """Nothing is on the PATH: neither xmlsec1 nor anything else."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, env={"PATH": ""}, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
