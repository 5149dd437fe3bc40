"""Certificates: how they are read, which keys are trusted, and our own."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from sso.saml import certificates
from sso.saml.metadata_errors import CertificateMissing, CertificateUnreadable, KeyTooWeak
from sso.saml.types import LeftOut
from tests.vectors.saml.world import NOW, certificate_pem

IDP = certificate_pem("idp")


def issue(key, *, days=30, begins=0, name="idp.example"):
    """Return a PEM certificate of this key, valid from `begins` days after NOW."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(NOW + timedelta(days=begins - 60))
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    made = builder.not_valid_after(NOW + timedelta(days=begins + days)).sign(key, algorithm)
    return made.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.mark.parametrize(
    "text",
    [
        IDP,
        certificates.bare(IDP),
        f"  {certificates.bare(IDP)}\r\n ",
        IDP.replace("\n", "\r\n"),
        f"Bag Attributes\n  name: x\n{IDP}",
        IDP.replace("BEGIN CERTIFICATE", "BEGIN X509 CERTIFICATE").replace("END CERTIFICATE", "END X509 CERTIFICATE"),
    ],
    ids=["PEM", "bare", "spaced", "CRLF", "with a preface", "old header"],
)
def test_certificate_is_read_the_same_in_every_pasted_form(text):
    assert certificates.read_certificate(text) == certificates.read_certificate(IDP)


@pytest.mark.parametrize("name", ["Acme, Inc.,", "#1 + 1 = 2", 'the "big" <one>; \\o/', " Acme "])
def test_subject_of_a_certificate_is_shown_as_it_was_written(key, name):
    assert certificates.read_certificate(issue(key, name=name)).subject == f"CN={name}"


def test_certificate_has_subject_key_fingerprint_and_expiry(key):
    found = certificates.read_certificate(issue(key, name="idp, of acme"))
    assert (found.subject, found.key, len(found.fingerprint)) == ("CN=idp, of acme", "RSA 2048", 64)
    assert found.not_after == NOW + timedelta(days=30)


@pytest.mark.parametrize("text", ["x", "TODO", "====", base64.b64encode(b"nothing").decode(), IDP[:300], "é", "\x00"])
def test_text_that_is_no_certificate_is_refused(text):
    with pytest.raises(CertificateUnreadable):
        certificates.read_certificate(text)


def test_certificate_with_a_key_of_an_unknown_algorithm_is_refused():
    der = base64.b64decode(certificates.bare(IDP))
    rsa_encryption = bytes.fromhex("06092a864886f70d010101")  # RFC 8017 §A.1
    assert der.count(rsa_encryption) == 1
    unknown = der.replace(rsa_encryption, rsa_encryption[:-1] + b"\x63")
    with pytest.raises(CertificateUnreadable):
        certificates.read_certificate(base64.b64encode(unknown).decode())


def test_certificate_is_read_when_one_of_its_name_has_a_key_of_an_unknown_algorithm():
    der = base64.b64decode(certificates.bare(IDP))
    rsa_encryption = bytes.fromhex("06092a864886f70d010101")
    unknown = base64.b64encode(der.replace(rsa_encryption, rsa_encryption[:-1] + b"\x63")).decode()
    found = certificates.usable([unknown, IDP], now=NOW)
    assert found.certificates == (certificates.read_certificate(IDP),)


def test_certificate_is_read_without_a_subject_when_its_subject_cannot_be_formatted(key, monkeypatch):
    monkeypatch.setattr(x509.Name, "rfc4514_string", lambda self: (_ for _ in ()).throw(ValueError))
    assert certificates.read_certificate(issue(key)).subject == ""


def test_certificates_stay_two_when_the_issuer_of_one_cannot_be_read(key):
    der = base64.b64decode(certificates.bare(issue(key)))
    issuer = der.index(b"\x55\x04\x03\x0c") + 3  # its common name, a UTF8String
    odd = base64.b64encode(der[:issuer] + b"\xe2" + der[issuer + 1 :]).decode()
    assert len(certificates.usable([odd, IDP], now=NOW).certificates) == 2


def test_certificate_is_read_without_a_subject_when_its_subject_has_a_wrong_type():
    der = base64.b64decode(certificates.bare(IDP))
    subject = der.rindex(b"\x55\x04\x03\x0c")  # the common name, a UTF8String
    odd = der[: subject + 3] + b"\x03" + der[subject + 4 :]  # now a BIT STRING
    assert certificates.read_certificate(base64.b64encode(odd).decode()).subject == ""


@pytest.mark.parametrize(
    "make",
    [
        lambda: rsa.generate_private_key(public_exponent=65537, key_size=1024),
        lambda: dsa.generate_private_key(key_size=2048),
        lambda: ec.generate_private_key(ec.SECP256K1()),
        ed25519.Ed25519PrivateKey.generate,
    ],
    ids=["RSA 1024", "DSA", "another curve", "Ed25519"],
)
def test_certificate_with_a_weak_or_unsupported_key_is_refused(make):
    with pytest.raises(KeyTooWeak) as refusal:
        certificates.read_certificate(issue(make()))
    assert refusal.value.received


@pytest.mark.parametrize("curve", certificates.CURVES)
def test_certificate_with_a_key_on_a_nist_curve_is_read(curve):
    pem = issue(ec.generate_private_key(curve()))
    assert certificates.read_certificate(pem).key == f"EC {curve.name}"
    assert isinstance(certificates.public_key(pem), ec.EllipticCurvePublicKey)


def test_several_pasted_certificates_are_all_read(key):
    pasted = f"{IDP}\n{issue(key)}"
    assert len(certificates.read_pasted_certificates(pasted).certificates) == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [("", CertificateMissing), (" \n", CertificateMissing), ("A" * 70_000, CertificateUnreadable)],
)
def test_empty_and_too_long_pasted_text_is_refused(text, problem):
    with pytest.raises(problem):
        certificates.read_pasted_certificates(text)


class TestWhichMayVerify:
    def test_usable_counts_a_repeated_certificate_once(self, key):
        pem = issue(key)
        found = certificates.usable([pem, certificates.bare(pem), pem], now=NOW)
        assert (len(found.certificates), found.left_out) == (1, ())

    def test_usable_leaves_out_unreadable_expired_and_weak_certificates_with_the_reasons(self, key):
        texts = ["rubbish", issue(key, days=-10), certificate_pem("weak"), issue(key)]
        found = certificates.usable(texts, now=NOW)
        assert [one.not_after for one in found.certificates] == [NOW + timedelta(days=30)]
        assert found.left_out == (LeftOut.UNREADABLE, LeftOut.WEAK, LeftOut.EXPIRED)

    def test_usable_takes_the_first_certificates_when_there_are_too_many(self, key):
        texts = [issue(key, days=days) for days in range(1, certificates.MAX_CERTIFICATES + 3)]
        found = certificates.usable(texts, now=NOW)
        assert [one.pem for one in found.certificates] == texts[: certificates.MAX_CERTIFICATES]
        assert found.left_out == (LeftOut.TOO_MANY, LeftOut.TOO_MANY)

    def test_a_current_one_is_taken_behind_many_that_have_expired(self, key):
        texts = [issue(key, days=-days) for days in range(1, certificates.MAX_CERTIFICATES + 2)] + [issue(key)]
        found = certificates.usable(texts, now=NOW)
        assert [one.pem for one in found.certificates] == texts[-1:]
        assert found.left_out == (LeftOut.EXPIRED,) * (len(texts) - 1)

    def test_usable_takes_a_certificate_that_is_not_yet_valid(self, key):
        assert len(certificates.usable([issue(key, begins=90)], now=NOW).certificates) == 1

    @pytest.mark.parametrize(
        ("texts", "problem"),
        [([], CertificateMissing), (["rubbish"], CertificateUnreadable)],
    )
    def test_usable_raises_the_reason_when_no_certificate_is_left(self, texts, problem):
        with pytest.raises(problem):
            certificates.usable(texts, now=NOW)

    def test_all_are_returned_when_all_have_expired(self, key):
        texts = [issue(key, days=-10), issue(key, days=-20)]
        found = certificates.usable(texts, now=NOW)
        assert ([one.pem for one in found.certificates], found.left_out) == (texts, ())
        assert all(one.has_expired(NOW) for one in found.certificates)

    def test_usable_refuses_a_certificate_at_its_expiry_second(self, key):
        [found] = certificates.usable([issue(key)], now=NOW).certificates
        ends = NOW + timedelta(days=30)
        assert (found.has_expired(ends - timedelta(seconds=1)), found.has_expired(ends)) == (False, True)


class TestOurOwn:
    def test_make_key_pair_gives_a_certificate_for_its_private_key(self):
        pair = certificates.make_key_pair("Gatehouse acme", now=datetime.now(UTC))
        assert certificates.private_key(pair).public_key() == certificates.public_key(pair.certificate_pem)

    def test_make_key_pair_certificate_is_valid_for_ten_years(self):
        pair = certificates.make_key_pair("x" * 90, now=NOW)
        found = certificates.read_certificate(pair.certificate_pem)
        assert (found.not_after - NOW).days == 3650

    def test_key_pair_repr_has_no_private_key(self):
        pair = certificates.make_key_pair("acme", now=NOW)
        assert "PRIVATE" not in repr(pair)
