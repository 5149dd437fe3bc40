"""Metadata and certificates that were made to break their reader: each is refused in words, or read for what it is."""

import base64
from contextlib import suppress
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from sso.saml import metadata_errors as errors
from sso.saml.certificates import bare, public_key, read_certificate, read_pasted_certificates
from sso.saml.metadata import MD, read_idp_metadata
from sso.saml.metadata_errors import MetadataError
from tests.sso.saml.test_certificates import issue
from tests.sso.saml.test_metadata import IDP, OTHER, entity, key, read, role, service
from tests.vectors.saml.keys import stored
from tests.vectors.saml.world import NOW

DOCUMENT = entity(role(keys=key() + key(OTHER), services=service() + service(binding="Redirect"))).encode()
DER = base64.b64decode(bare(IDP))
PEM = IDP.encode()
places = st.integers(0, 10_000)
pieces = st.sampled_from([b"", b"<!---->", b"<x/>", b"&#0;", b"]]>", b'"', b"\xff", b"\0", b"<md:IDPSSODescriptor/>"])


def read_or_refuse(document: bytes) -> None:
    with suppress(MetadataError):
        read_idp_metadata(document, now=NOW)


@given(places, st.integers(0, 255))
def test_metadata_with_a_changed_byte_is_read_or_refused(place, byte):
    document = bytearray(DOCUMENT)
    document[place % len(document)] = byte
    read_or_refuse(bytes(document))


@given(places, st.integers(0, 2_000), pieces)
def test_metadata_with_a_replaced_piece_is_read_or_refused(place, length, piece):
    place %= len(DOCUMENT)
    read_or_refuse(DOCUMENT[:place] + piece + DOCUMENT[place + length :])


@given(st.text())
def test_metadata_with_an_arbitrary_attribute_value_is_read_or_refused(text):
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    with suppress(UnicodeEncodeError):
        read_or_refuse(
            entity(role(services=service(escaped)), entity_id=escaped, until=f' validUntil="{escaped}"').encode()
        )


@given(st.integers(0, len(DER) - 1), st.binary(max_size=4), st.integers(0, 4))
def test_corrupted_certificate_is_refused_or_gives_a_key(place, piece, length):
    broken = DER[:place] + piece + DER[place + length :]
    with suppress(MetadataError):
        found = read_certificate(base64.b64encode(broken).decode())
        assert read_certificate(found.pem) == found
        assert public_key(found.pem)


@given(st.one_of(st.text(), st.binary().map(lambda raw: PEM.decode() + raw.decode("latin-1"))))
def test_arbitrary_pasted_text_is_read_or_refused(text):
    with suppress(MetadataError):
        assert read_pasted_certificates(text).certificates


def test_metadata_with_encryption_keys_only_raises_certificate_missing():
    with pytest.raises(errors.CertificateMissing):
        read(entity(role(keys=key(use=' use="encryption"'))))


def test_metadata_is_refused_when_the_entities_descriptor_around_it_has_expired():
    until = f"{NOW - timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"
    with pytest.raises(errors.MetadataExpired):
        read(f'<md:EntitiesDescriptor xmlns:md="{MD}" validUntil="{until}">{entity()}</md:EntitiesDescriptor>')


@pytest.mark.parametrize(
    "url",
    ["https://:secret@idp.example/", "https://@idp.example/", "https:idp.example", "//x", "https://x.example/\x7f"],
)
def test_endpoint_with_credentials_or_without_a_host_is_refused(url):
    with pytest.raises(errors.EndpointNotHttps):
        read(entity(role(services=service(url))))


@pytest.mark.parametrize("scheme", ["ftp", "javascript", "file"])
def test_endpoint_with_another_scheme_than_http_is_refused_even_in_the_sandbox(scheme):
    with pytest.raises(errors.EndpointNotHttps):
        read(entity(role(services=service(f"{scheme}://localhost/"))), allows_loopback=True)


def test_certificate_is_read_when_a_comment_is_inside_its_element():
    commented = f"{bare(IDP)[:40]}<!-- signing -->{bare(IDP)[40:]}"
    assert read(entity(role(keys=key(commented)))).certificates == (read_certificate(IDP),)


def test_certificate_is_refused_when_an_element_is_inside_its_element():
    with pytest.raises(errors.CertificateUnreadable):
        read(entity(role(keys=key(f"{bare(IDP)}<md:x/>"))))


def test_first_of_two_endpoints_of_a_binding_is_taken():
    found = read(entity(role(services=service() + service("https://other.example/sso"))))
    assert [end.location for end in found.endpoints] == ["https://sso.jumpcloud.com/saml2/gatehouse"]


def with_exponent(exponent: int) -> str:
    """Return a certificate of a key that nobody has."""
    holder = rsa.RSAPublicNumbers(exponent, stored("idp").public_key().public_numbers().n).public_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.example")])
    builder = x509.CertificateBuilder(name, name, holder, 7, NOW - timedelta(days=1), NOW + timedelta(days=1))
    return builder.sign(stored("other"), hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def test_certificate_with_a_too_large_rsa_exponent_is_refused():
    assert read_certificate(with_exponent(2**64 - 1))
    with pytest.raises(errors.KeyTooWeak):
        read_certificate(with_exponent(2**64 + 1))


def test_metadata_keeps_at_most_ten_certificates():
    many = "".join(key(issue(stored("idp"), name=f"{place}.example")) for place in range(12))
    assert len(read(entity(role(keys=many))).certificates) == 10
