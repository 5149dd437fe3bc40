"""Certificates as people have them: each shape is read for the certificate that it is, each neighbour is refused in words."""

import base64
import json
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.x509.oid import NameOID

from sso.saml import certificates
from sso.saml import metadata_errors as errors
from sso.saml.certificates import bare, read_certificate, read_pasted_certificates, usable
from sso.saml.pasted import LONGEST_TEXT, MAX_IN_TEXT, encoded_certificates
from sso.saml.types import Certificate, LeftOut
from tests.sso.saml.test_certificates import IDP
from tests.sso.saml.test_metadata import entity, key, read, role
from tests.vectors.saml.keys import stored
from tests.vectors.saml.world import NOW, certificate_pem, private_pem

OTHER, BARE = certificate_pem("other"), bare(IDP)
TYPED = IDP.strip()
EM, EN = "\u2014", "\u2013"
LATER = NOW + timedelta(days=900)


def pasted(text: str) -> tuple[Certificate, ...]:
    return read_pasted_certificates(text).certificates


def name_of(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def issued(subject: str, issuer: str, key_name: str, signed_by: str, **given: object) -> str:
    """Return the PEM of a certificate for one key, signed by another."""
    builder = x509.CertificateBuilder(name_of(issuer), name_of(subject), stored(key_name).public_key(), 9, NOW, LATER)
    made = builder.sign(stored(signed_by), hashes.SHA256(), **given)
    return made.public_bytes(serialization.Encoding.PEM).decode()


def with_pss_key() -> str:
    """Return a certificate in which the IdP's key is marked for RSASSA-PSS (RFC 4055 §1.2), its signature aside."""
    parsed = x509.load_pem_x509_certificate(IDP.encode())
    der = parsed.public_bytes(serialization.Encoding.DER)
    spki = parsed.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    rsa, pss = bytes.fromhex("06092a864886f70d0101010500"), bytes.fromhex("06092a864886f70d01010a3000")
    assert spki.count(rsa) == der.count(spki) == 1
    return base64.b64encode(der.replace(spki, spki.replace(rsa, pss))).decode()


SHAPES = {
    "a comment above": f"# signing certificate of idp\n{IDP}",
    "a comment inside": TYPED.replace("CERTIFICATE-----\n", "CERTIFICATE-----\n# signing, until 2046\n", 1),
    "header lines inside": TYPED.replace("CERTIFICATE-----\n", "CERTIFICATE-----\nComment: idp\n\n", 1),
    "an XML comment": f"<!-- signing -->{BARE}",
    "what openssl prints above": f"subject=CN = idp.example\nissuer=CN = idp.example\n{IDP}",
    "what openssl prints above, without lines": f"subject=CN = idp.example\nissuer=CN = idp.example\n{BARE}",
    "base64 of the PEM": base64.b64encode(IDP.encode()).decode(),
    "base64 of the PEM with line ends": base64.encodebytes(f"\n{IDP}".encode()).decode(),
    "line breaks of JSON": TYPED.replace("\n", "\\n"),
    "line breaks of JSON on Windows": TYPED.replace("\n", "\\r\\n"),
    "a JSON string": json.dumps(IDP),
    "quotes of a word processor": f"“{TYPED}”",
    "em dashes": TYPED.replace("--", EM),
    "en dashes": TYPED.replace("-----", f"{EN}{EN}-"),
    "hyphens that do not break": TYPED.replace("-", "\u2011"),
    "one dash": TYPED.replace("-----", "-"),
    "blanks that do not break": TYPED.replace(" ", "\u00a0").replace("\n", "\u00a0\n"),
    "blanks without width": TYPED.replace("\n", "\u200b\n"),
    "a byte order mark": f"\ufeff{IDP}",
    "small letters in the lines": TYPED.replace("BEGIN CERTIFICATE", "begin certificate").replace(
        "END CERTIFICATE", "end certificate"
    ),
    "all on one line": TYPED.replace("\n", " "),
    "an XML element": f"<ds:X509Certificate>{BARE}</ds:X509Certificate>",
    "an XML element with its namespace": (
        f'<X509Certificate xmlns="http://www.w3.org/2000/09/xmldsig#">\n  {BARE}\n</X509Certificate>'
    ),
    "the elements around it": f"<X509Data>\n<ds:X509Certificate>{BARE}</ds:X509Certificate>\n</X509Data>",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_certificate_is_read_when_pasted_in_this_shape(shape):
    assert pasted(SHAPES[shape]) == (read_certificate(IDP),)


SEVERAL = {
    "PEM behind PEM": IDP + OTHER,
    "PEM behind PEM, twice in base64": base64.b64encode((IDP + OTHER).encode()).decode(),
    "base64 behind base64": f"{BARE}\n\n{bare(OTHER)}",
    "base64 of both at once": base64.b64encode(base64.b64decode(BARE) + base64.b64decode(bare(OTHER))).decode(),
    "two elements": f"<X509Certificate>{BARE}</X509Certificate><X509Certificate>{bare(OTHER)}</X509Certificate>",
}


@pytest.mark.parametrize("shape", SEVERAL)
def test_each_certificate_is_read_when_several_are_pasted(shape):
    assert pasted(SEVERAL[shape]) == (read_certificate(IDP), read_certificate(OTHER))


LEAF, AUTHORITY = issued("leaf", "authority", "idp", "other"), issued("authority", "root", "other", "idp")
CHAIN = LEAF + AUTHORITY


@pytest.mark.parametrize("text", [CHAIN, AUTHORITY + LEAF], ids=["leaf first", "authority first"])
def test_only_the_leaf_is_read_when_a_chain_is_pasted(text):
    assert pasted(text) == (read_certificate(LEAF),)


def test_only_the_leaf_is_read_when_one_metadata_element_has_a_chain():
    assert [
        one.subject
        for one in read(
            entity(role(keys=key().replace(BARE, CHAIN))),
        ).certificates
    ] == ["CN=leaf"]


def test_both_certificates_are_read_when_one_only_names_the_other_as_issuer():
    claimed = issued("leaf", "authority", "idp", "idp") + issued("authority", "root", "other", "idp")
    assert len(pasted(claimed)) == 2


def test_both_certificates_are_read_when_one_key_renewed_its_own_certificate():
    padded = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)
    renewed = issued("idp", "idp", "idp", "idp") + issued("idp", "idp", "idp", "idp", rsa_padding=padded)
    assert len(pasted(renewed)) == 2


REFUSED = {
    "a private key": (private_pem("idp").decode(), errors.PrivateKeyPasted),
    "a private key beside its certificate": (IDP + private_pem("idp").decode(), errors.PrivateKeyPasted),
    "an old private key": (f"{IDP}-----BEGIN RSA PRIVATE KEY-----\nMII=", errors.PrivateKeyPasted),
    "a request": (
        "-----BEGIN CERTIFICATE REQUEST-----\nMII=\n-----END CERTIFICATE REQUEST-----",
        errors.CertificateIsRequest,
    ),
    "PKCS 7": ("-----BEGIN PKCS7-----\nMII=\n-----END PKCS7-----", errors.CertificateIsPkcs7),
    "a public key": ("-----BEGIN PUBLIC KEY-----\nMII=\n-----END PUBLIC KEY-----", errors.CertificateIsKey),
    "an SSH key": ("ssh-rsa AAAAB3NzaC1yc2E= adam", errors.CertificateIsKey),
    "metadata": (entity(), errors.CertificateIsMetadata),
    "a fingerprint": (":".join(["AB"] * 32), errors.CertificateIsFingerprint),
    "a short fingerprint": ("SHA1 " + "ab" * 20, errors.CertificateIsFingerprint),
    "half a certificate": (IDP[:300], errors.CertificateUnreadable),
    "a beginning without an end": (IDP.partition("-----END")[0], errors.CertificateUnreadable),
    "base64 of base64 of PEM": (
        base64.b64encode(base64.b64encode(IDP.encode())).decode(),
        errors.CertificateUnreadable,
    ),
    "base64 of nothing between lines": (base64.b64encode(b"-----BEGIN x").decode(), errors.CertificateUnreadable),
    "a certificate with bytes behind it": (
        base64.b64encode(base64.b64decode(BARE) + b"\0\0").decode(),
        errors.CertificateUnreadable,
    ),
    "a sequence that is no certificate": (
        base64.b64encode(b"\x30\x03\x02\x01\x07").decode(),
        errors.CertificateUnreadable,
    ),
    "a sequence without an end": (base64.b64encode(b"\x30\x80\x00\x00").decode(), errors.CertificateUnreadable),
    "a letter that base64 lacks": (BARE.replace("A", "ä", 1), errors.CertificateUnreadable),
    "bits beyond a byte": ("MIIC=", errors.CertificateUnreadable),
    "a key for PSS": (with_pss_key(), errors.KeyIsPss),
}


@pytest.mark.parametrize("what", REFUSED)
def test_pasted_text_raises_the_fitting_error_when_it_is_no_certificate(what):
    text, problem = REFUSED[what]
    with pytest.raises(errors.MetadataError) as refusal:
        read_pasted_certificates(text)
    assert type(refusal.value) is problem


def test_certificate_is_read_when_only_its_own_signature_is_by_pss():
    padded = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)
    assert read_certificate(issued("idp", "idp", "idp", "idp", rsa_padding=padded)).key == "RSA 2048"


def test_certificate_with_a_pss_key_is_left_out_when_another_is_usable():
    found = usable([with_pss_key(), IDP], now=NOW)
    assert (len(found.certificates), found.left_out) == (1, (LeftOut.PSS,))


def test_only_the_leaf_is_usable_when_a_chain_is_spread_over_several_elements():
    chain = [issued("leaf", "authority", "idp", "other"), issued("authority", "authority", "other", "other")]
    found = usable([bare(one) for one in chain], now=NOW)
    assert ([one.subject for one in found.certificates], found.left_out) == (["CN=leaf"], ())


def test_only_the_leaf_is_read_when_its_issuer_has_the_same_name():
    chain = issued("same", "same", "idp", "other") + issued("same", "same", "other", "other")
    assert [one.fingerprint for one in pasted(chain)] == [read_certificate(issued_first(chain)).fingerprint]


def issued_first(chain: str) -> str:
    return chain[: chain.index("-----END")] + "-----END CERTIFICATE-----\n"


def test_authority_is_left_out_when_its_signature_cannot_be_verified(monkeypatch):
    chain = issued("leaf", "authority", "idp", "other") + issued("authority", "authority", "other", "other")

    def unknown(*_: object) -> None:
        raise UnsupportedAlgorithm("this one")

    with monkeypatch.context() as patched:
        patched.setattr(certificates, "require_strong", unknown)
        parsed = x509.load_pem_x509_certificates(chain.encode())
        assert certificates._without_issuers(parsed) == parsed[:1]


def test_certificates_that_signed_each_other_are_refused():
    pair = issued("one", "two", "idp", "other") + issued("two", "one", "other", "idp")
    with pytest.raises(errors.CertificateUnreadable):
        pasted(pair)


def test_text_is_refused_when_it_is_longer_than_any_certificates_are():
    with pytest.raises(errors.CertificateUnreadable):
        usable([BARE + " " * LONGEST_TEXT], now=NOW)


def test_text_is_refused_when_it_has_too_many_certificates():
    der = base64.b64decode(BARE)
    assert len(encoded_certificates(base64.b64encode(der * MAX_IN_TEXT).decode()).certificates) == MAX_IN_TEXT
    for many in (base64.b64encode(der * (MAX_IN_TEXT + 1)).decode(), IDP * (MAX_IN_TEXT + 1)):
        with pytest.raises(errors.CertificateUnreadable):
            pasted(many)


def test_certificates_behind_the_first_twenty_are_left_out():
    one = stored("idp")
    names = [name_of(f"one {place}") for place in range(22)]
    builders = [x509.CertificateBuilder(name, name, one.public_key(), 9, NOW, LATER) for name in names]
    many = [
        builder.sign(one, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode() for builder in builders
    ]
    found = usable(many, now=NOW)
    assert (len(found.certificates), found.left_out) == (10, (LeftOut.TOO_MANY,) * 12)


@pytest.mark.parametrize(
    "piece", ["<!--", "-BEGIN CERTIFICATE-", "-END CERTIFICATE-", "-----BEGIN CERTIFICATE-----<!--", "- ", "<x:", "a: "]
)
def test_text_of_one_repeated_marker_is_refused_in_linear_time(piece):
    """In a time that grows with the square of its length this would hold up the whole suite."""
    with pytest.raises(errors.MetadataError):
        encoded_certificates(piece * (LONGEST_TEXT // len(piece)))


def test_private_key_is_found_in_base64_of_its_file():
    bundle = IDP + private_pem("idp").decode()
    for text in (bundle, base64.b64encode(bundle.encode()).decode()):
        with pytest.raises(errors.PrivateKeyPasted):
            encoded_certificates(text)


WITH_ONE_GOOD = {
    "half a certificate": (IDP + IDP[:400] + "\n-----END CERTIFICATE-----", LeftOut.UNREADABLE),
    "rubbish before it": (f"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n{IDP}", LeftOut.UNREADABLE),
    "a sequence that is no certificate": (
        f"{IDP}-----BEGIN CERTIFICATE-----\nMAMCAQc=\n-----END CERTIFICATE-----",
        LeftOut.UNREADABLE,
    ),
    "a weak key": (certificate_pem("weak") + IDP, LeftOut.WEAK),
    "a key for PSS": (f"{IDP}-----BEGIN CERTIFICATE-----\n{with_pss_key()}\n-----END CERTIFICATE-----", LeftOut.PSS),
}


@pytest.mark.parametrize("what", WITH_ONE_GOOD)
def test_good_certificate_is_taken_when_another_in_the_text_is_bad(what):
    text, reason = WITH_ONE_GOOD[what]
    found = read_pasted_certificates(text)
    assert (found.certificates, found.left_out) == ((read_certificate(IDP),), (reason,))


def with_extensions(subject: str, issuer: str, key_name: str, signed_by: str, *extensions: x509.ExtensionType) -> str:
    builder = x509.CertificateBuilder(name_of(issuer), name_of(subject), stored(key_name).public_key(), 9, NOW, LATER)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(stored(signed_by), hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


CA = x509.BasicConstraints(ca=True, path_length=None)
ROOT_ID = x509.SubjectKeyIdentifier.from_public_key(stored("other").public_key())
ROOT = with_extensions("root", "root", "other", "other", CA, ROOT_ID)


def naming(key_identifier: bytes | None, *names: str) -> x509.AuthorityKeyIdentifier:
    directory_names = [x509.DirectoryName(name_of(name)) for name in names]
    return x509.AuthorityKeyIdentifier(key_identifier, directory_names or None, 5 if names else None)


@pytest.mark.parametrize(
    "authority",
    [naming(None, "root"), naming(b"intermediate", "root"), naming(ROOT_ID.digest)],
    ids=["its issuer's issuer by name", "both", "by its key"],
)
def test_root_is_left_out_when_the_leaf_names_it_and_the_intermediate_is_missing(authority):
    leaf = with_extensions("leaf", "intermediate", "idp", "weak", authority)
    assert [one.subject for one in pasted(leaf + ROOT)] == ["CN=leaf"]


@pytest.mark.parametrize(
    "extensions",
    [(), (naming(b"other"),), (naming(b"other", "another root"),), (x509.SubjectKeyIdentifier(b"x"),)],
    ids=["no extension", "another key", "another name", "its own key only"],
)
def test_root_stays_and_is_marked_when_nothing_names_it(extensions):
    leaf = with_extensions("leaf", "intermediate", "idp", "weak", *extensions)
    assert [(one.subject, one.is_authority) for one in pasted(leaf + ROOT)] == [("CN=leaf", False), ("CN=root", True)]


def test_renewed_certificate_stays_when_it_names_its_own_issuer():
    renewed = with_extensions("root", "root", "idp", "idp", CA, naming(b"other", "root"))
    assert len(pasted(renewed + ROOT)) == 2


def test_certificate_is_read_when_its_extensions_are_not():
    der = x509.load_pem_x509_certificate(ROOT.encode()).public_bytes(serialization.Encoding.DER)
    constraints = bytes.fromhex("0603551d130405300301")  # basicConstraints, a sequence of one BOOLEAN
    assert der.count(constraints) == 1
    odd = der.replace(constraints, constraints[:-1] + b"\x02")
    [found] = pasted(base64.b64encode(odd).decode())
    assert not found.is_authority
    assert len(pasted(base64.b64encode(odd).decode() + "\n" + bare(IDP))) == 2
