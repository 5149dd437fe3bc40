"""Signatures in the one accepted form, and that what is returned is what was signed."""

import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from lxml import etree

from sso.saml import signature
from sso.saml.certificates import public_key
from sso.saml.errors import SignatureInvalid, SignatureMisshapen
from sso.saml.markup import DSIG, SAML, parse
from tests.sso.saml.messages import accepted
from tests.vectors.saml.signing import (
    COMMENTS,
    ENVELOPED,
    EXCLUSIVE,
    MORE,
    WITH_COMMENTS,
    XENC,
    Style,
    canonical_with,
    sign,
)
from tests.vectors.saml.world import certificate_pem

SMALL = (
    '<samlp:Response xmlns:samlp="urn:x" ID="r"><saml:Assertion xmlns:saml="{}" ID="a" {}>@ASSERTION@<b>x</b>{}'
    "</saml:Assertion></samlp:Response>"
)


COMMENTS_TRANSFORM = WITH_COMMENTS.transforms
COMMENTS_LISTED = ENVELOPED + canonical_with("xs").replace(f'Algorithm="{EXCLUSIVE}"', f'Algorithm="{COMMENTS}"')


def key(name="idp"):
    return public_key(certificate_pem(name))


def small(style=None, declared="", extra=""):
    """Return the parsed assertion of a small signed message."""
    return parse(sign(SMALL.format(SAML, declared, extra), style or Style()).encode())[0]


def verified(node, name="idp"):
    return signature.verify(node, [key(name)])[0]


@pytest.mark.parametrize("size", ["256", "384", "512"])
@pytest.mark.parametrize("digest", [f"{XENC}sha256", f"{MORE}sha384", f"{XENC}sha512"])
def test_rsa_with_each_hash_is_verified(size, digest):
    assert b"<b>x</b>" in verified(small(Style(method=f"{MORE}rsa-sha{size}", digest=digest)))


@pytest.mark.parametrize("size", ["256", "384", "512"])
def test_ecdsa_with_each_hash_is_verified(size):
    assert b"<b>x</b>" in verified(small(Style(key="ec", method=f"{MORE}ecdsa-sha{size}")), "ec")


@pytest.mark.parametrize(
    "style",
    [
        WITH_COMMENTS,
        Style(canonicalisation=COMMENTS),
        Style(transforms=COMMENTS_TRANSFORM),
        Style(canonicalisation=COMMENTS, transforms=COMMENTS_LISTED),
    ],
    ids=["both", "method", "transform", "with_prefixes"],
)
def test_exclusive_canonicalization_may_be_named_with_comments(style):
    assert b"<b>x</b>" in verified(small(style, declared='xmlns:xs="urn:xs"'))


@pytest.mark.parametrize("when", ["signed", "later"])
def test_verified_bytes_never_have_a_comment(when):
    node = small(WITH_COMMENTS, extra="<!-- signed -->" if when == "signed" else "")
    if when == "later":
        node.append(etree.Comment("later"))
    assert b"<!--" not in verified(node)


@pytest.mark.parametrize(
    "place", ["ds:SignedInfo", "ds:CanonicalizationMethod", "ds:Transform", "ds:Reference", "ds:DigestValue"]
)
def test_comment_in_signed_info_is_refused_even_when_canonicalization_keeps_comments(place):
    node = small(replace(WITH_COMMENTS, is_prefixed=True))
    node.find(f".//{place}", {"ds": DSIG}).append(etree.Comment("x"))
    with pytest.raises(SignatureMisshapen):
        verified(node)


def test_verified_bytes_have_the_signed_digest():
    node = small()
    digest = node.findtext(f".//{{{DSIG}}}DigestValue")
    assert base64.b64encode(hashlib.sha256(verified(node)).digest()).decode() == digest


def test_verified_bytes_have_no_signature_element():
    assert b"Signature" not in verified(small())


def test_remove_signature_keeps_the_text_behind_it():
    node = small(extra="")
    node[0].tail = "behind"
    signature.remove_signature(node[0])
    assert node.text == "behind"


def test_remove_signature_joins_the_text_behind_it_to_the_text_before():
    node = parse(b"<a><b/>x<s/>y<c/></a>")
    signature.remove_signature(node[1])
    assert etree.tostring(node) == b"<a><b/>xy<c/></a>"


def test_remove_signature_joins_the_text_behind_a_first_child_to_the_parents_text():
    node = parse(b"<a>x<s/>y</a>")
    signature.remove_signature(node[0])
    assert etree.tostring(node) == b"<a>xy</a>"


def test_verify_refuses_an_element_without_a_signature():
    with pytest.raises(SignatureMisshapen):
        signature.verify(parse(b'<a ID="a"/>'), [key()])[0]


def test_find_refuses_an_element_with_several_signatures():
    node = parse(f'<a xmlns:ds="{DSIG}"><ds:Signature/><ds:Signature/></a>'.encode())
    with pytest.raises(SignatureMisshapen):
        signature.find(node)


def test_prefix_declared_on_an_ancestor_is_canonicalized_when_listed():
    text = SMALL.replace('ID="r"', 'ID="r" xmlns:xs="urn:xs"').format(SAML, "", '<c t="xs:x"/>')
    node = parse(sign(text, Style(transforms=ENVELOPED + canonical_with("xs"))).encode())[0]
    assert b'xmlns:xs="urn:xs"' in verified(node)


@pytest.mark.parametrize("prefixes", ["", "xs", "xml", "none", "d xs xml saml samlp ds x y", "xs xs", "#x é"])
def test_unusual_prefix_lists_are_canonicalized_as_by_xmlsec(prefixes):
    style = Style(transforms=ENVELOPED + canonical_with(prefixes))
    extra = '<c xmlns=""/><xs:d xml:space="preserve"/>'
    assert verified(small(style, declared='xmlns="urn:d" xmlns:xs="urn:xs" xml:lang="en"', extra=extra))


DEFAULT = Style(transforms=ENVELOPED + canonical_with("#default xs"))


def test_default_namespace_may_be_listed_when_none_is_declared():
    assert verified(small(DEFAULT, declared='xmlns:xs="urn:xs"'))


ALL_LISTED = Style(transforms=ENVELOPED + canonical_with("#default saml ds xs xsi"))
LISTED = {
    "declared": small(DEFAULT, declared='xmlns="urn:d"'),
    "taken_back": small(DEFAULT, declared='xmlns="urn:d"', extra='<c xmlns=""/>'),
    "given_anew": small(
        DEFAULT, declared='xmlns="urn:d" xmlns:xs="urn:xs"', extra='<c xmlns=""><e xmlns="urn:d"/></c>'
    ),
    "declared_below": small(DEFAULT, declared='xmlns:xs="urn:xs"', extra='<c xmlns="urn:d"/>'),
    "not_declared": small(DEFAULT, extra="<c/>"),
    "declared_above": parse(
        sign(SMALL.replace('ID="r"', 'ID="r" xmlns="urn:d"').format(SAML, "", "<c/>"), ALL_LISTED).encode()
    )[0],
}
LISTED_DEFAULTS = {name: etree.tostring(node.getroottree()) for name, node in LISTED.items()}


@pytest.mark.parametrize("name", LISTED_DEFAULTS)
@pytest.mark.parametrize("earlier", [b"<x/>", b'<x xmlns:y="#default"/>', b'<x y="#default"/>'])
def test_listed_default_namespace_is_canonicalized_the_same_whatever_the_thread_parsed_before(name, earlier):
    def read():
        parse(earlier)
        return verified(parse(LISTED_DEFAULTS[name])[0])

    # a thread knows the names that it has read, and this one has read nothing
    with ThreadPoolExecutor(1) as fresh:
        assert b">x</b>" in fresh.submit(read).result()


ODD = (
    'xmlns:a="urn:a" xmlns:b="urn:a" b:x="1" a:y="2" x="3"',
    'xmlns="urn:d" xmlns:d="urn:d" d:x="&#10;&#9;&quot;&lt;"',
    'xml:base="http://x.example/" xml:lang="en"',
)


@pytest.mark.parametrize("declared", ODD)
def test_unusual_namespaces_are_canonicalized_as_by_xmlsec(declared):
    extra = '<x xmlns="">&#13;é&amp;&gt;]]&gt;<y xmlns:a="urn:other" a:z=""/></x>'
    assert verified(small(declared=declared, extra=extra))


def test_a_relative_namespace_is_refused():
    with pytest.raises(SignatureMisshapen):
        signature.canonical(parse(b'<a xmlns:b="c"/>'), ())


def test_signature_by_one_of_several_keys_is_verified():
    assert signature.verify(small(), [key("ec"), key("other"), key()])[0]


def ec_signed(edit):
    """Return an assertion whose EC signature value, two numbers of 32 bytes, was changed."""
    node = small(Style(key="ec", method=f"{MORE}ecdsa-sha256"))
    value = node.find(f".//{{{DSIG}}}SignatureValue")
    value.text = base64.b64encode(edit(base64.b64decode(value.text))).decode()
    return node


ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.mark.parametrize(
    "edit",
    [
        lambda value: bytes(64),
        lambda value: bytes(32) + value[32:],
        lambda value: value[:32] + bytes(32),
        lambda value: ORDER.to_bytes(32, "big") + value[32:],
        lambda value: value[:32] + ORDER.to_bytes(32, "big"),
        lambda value: b"\xff" * 64,
        lambda value: value[:63],
        lambda value: value + b"\0",
        lambda value: b"\0" + value,
        lambda value: value[:32] + b"\0" + value[32:],
        lambda value: value * 2,
        lambda value: value[32:] + value[:32],
    ],
    ids=[
        "zero",
        "r_zero",
        "s_zero",
        "r_order",
        "s_order",
        "ones",
        "short",
        "long",
        "padded",
        "padded_within",
        "twice",
        "swapped",
    ],
)
def test_ecdsa_signature_with_numbers_out_of_range_is_refused(edit):
    with pytest.raises(SignatureInvalid):
        verified(ec_signed(edit), "ec")


@pytest.mark.parametrize("attributes", [' Id="r-1" URI="#a"', ' URI="#a" Id="r-1"'])
def test_reference_with_an_id_is_verified(attributes):
    assert b"<b>x</b>" in verified(small(Style(uri=attributes)))


@pytest.mark.parametrize("attributes", [' URI="#a" ID="r-1"', ' URI="#a" xml:id="r-1"', ' Id="r-1"', ' Id="#a" URI=""'])
def test_reference_with_other_attributes_is_refused(attributes):
    node = small()
    reference = node.find(f".//{{{DSIG}}}Reference")
    reference.attrib.clear()
    reference.attrib.update(etree.fromstring(f"<x{attributes}/>").attrib)
    with pytest.raises(SignatureMisshapen):
        verified(node)


def test_an_ecdsa_signature_in_der_is_refused():
    private = ec.generate_private_key(ec.SECP256R1())
    der = private.sign(b"x", ec.ECDSA(hashes.SHA256()))
    assert len(decode_dss_signature(der)) == 2
    with pytest.raises(SignatureInvalid):
        verified(ec_signed(lambda value: der), "ec")


def test_signature_method_for_another_kind_of_key_is_refused():
    with pytest.raises(SignatureInvalid):
        verified(small(), "ec")


def test_signature_method_for_another_kind_of_key_is_refused_even_with_a_value_of_fitting_length():
    node = small()
    node.find(f".//{{{DSIG}}}SignatureValue").text = base64.b64encode(bytes(range(64))).decode()
    with pytest.raises(SignatureInvalid):
        verified(node, "ec")


def test_signature_over_the_raw_bytes_of_signed_info_is_refused():
    node = small()
    info, value = node[0][0], node[0][1]
    info.text = "\n"
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    value.text = base64.b64encode(private.sign(etree.tostring(info), padding.PKCS1v15(), hashes.SHA256())).decode()
    with pytest.raises(SignatureInvalid):
        signature.verify(node, [private.public_key()])[0]


def test_signature_is_verified_without_any_program_on_the_path(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert accepted("okta_both").subject == "uma@acme.example"
