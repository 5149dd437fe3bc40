"""Messages whose signatures prove nothing."""

import base64
import hashlib
import re
from collections.abc import Callable, Iterator

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.vectors.saml import flavours
from tests.vectors.saml.defects import (
    ASSERTION_HEAD,
    ATTRIBUTE,
    NAME_ID,
    SUBJECT,
    Bad,
    made,
    re_edited,
    resigned,
    resigned_after,
    resigned_re,
    signed,
    styled,
    unsigned,
    whole,
)
from tests.vectors.saml.flavours import Occasion
from tests.vectors.saml.keys import stored
from tests.vectors.saml.signing import (
    CANONICAL,
    DSIG,
    ENVELOPED,
    EXCLUSIVE,
    MORE,
    STANDARD,
    WITH_COMMENTS,
    XENC,
    Style,
    canonical_with,
    sign,
    x509_info,
)
from tests.vectors.saml.world import ACS, IDP, certificate_pem
from tests.vectors.saml.wrapping import OF_ASSERTIONS, OF_RESPONSES

EC = Style(key="ec", method=f"{MORE}ecdsa-sha256")
SECRET = certificate_pem("idp").encode()
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
INCLUSIVE_1_1 = "http://www.w3.org/2006/12/xml-c14n11"
# these comments are signed, as FusionAuth and Amazon would sign them, and are refused all the same
COMMENTED = {
    "comment_signed_in_name_id": ((NAME_ID, NAME_ID.replace("@", "<!-- -->@")),),
    "comment_signed_beside_subject": ((SUBJECT, f"<!-- -->{SUBJECT}"),),
}
XPATH = (
    '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116">'
    "<ds:XPath>not(ancestor-or-self::ds:Signature)</ds:XPath></ds:Transform>"
)
XSLT = (
    '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116">'
    '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/">'
    "<xsl:copy-of select=\"document('file:///etc/hostname')\"/></xsl:template></xsl:stylesheet></ds:Transform>"
)
REFERENCE = '<ds:Reference URI="#_assertion-1">'
SHA256_DIGEST = f'<ds:DigestMethod Algorithm="{XENC}sha256"/>'


def of_another_message() -> str:
    """The signature is genuine, and was made for what Uma's colleague got a minute ago."""
    other = sign(Occasion(serial="2").fill(flavours.JUMPCLOUD), STANDARD)
    found = re.search(r"<ds:Signature .*</ds:Signature>", other, re.DOTALL)
    assert found
    return unsigned().replace("@ASSERTION@", found[0]).replace("@RESPONSE@", "")


def of_another_message_with_its_id() -> str:
    return of_another_message().replace(ASSERTION_HEAD, ASSERTION_HEAD.replace("_assertion-1", "_assertion-2"))


def with_two_signatures() -> str:
    message = signed()
    found = re.search(r"<ds:Signature .*</ds:Signature>", message, re.DOTALL)
    assert found
    return message.replace(found[0], found[0] * 2)


def out_of_place(where: str) -> Callable[[], str]:
    """The assertion's signature is genuine, but is moved behind this text."""

    def message() -> str:
        text = signed()
        found = re.search(r"<ds:Signature .*</ds:Signature>", text, re.DOTALL)
        assert found
        assert text.count(where) == 1
        return text.replace(found[0], "").replace(where, where + found[0])

    return message


def stripped() -> str:
    text = signed()
    return re.sub(r"<ds:Signature .*</ds:Signature>", "", text, flags=re.DOTALL)


def void_canonicalisation() -> str:
    """A relative namespace has no canonical form; the signature is over the empty text that some libraries return."""
    empty = base64.b64encode(hashlib.sha256(b"").digest()).decode()
    text = signed()
    text = re.sub(r"<ds:DigestValue>[^<]*<", f"<ds:DigestValue>{empty}<", text)
    return resigned(text).replace("<saml:Assertion ", '<saml:Assertion xmlns:void="1" ')


def key_value() -> str:
    """Return a KeyInfo that carries the attacker's bare key."""
    key = stored("other")
    assert isinstance(key, rsa.RSAPrivateKey)
    numbers = key.public_key().public_numbers()
    modulus, exponent = (
        base64.b64encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).decode()
        for number in (numbers.n, numbers.e)
    )
    inner = f"<ds:Modulus>{modulus}</ds:Modulus><ds:Exponent>{exponent}</ds:Exponent>"
    return f"<ds:KeyInfo><ds:KeyValue><ds:RSAKeyValue>{inner}</ds:RSAKeyValue></ds:KeyValue></ds:KeyInfo>"


def reference_to_nothing() -> str:
    """A response without an ID, and a genuine signature that says it is over the element whose ID is empty."""
    text = unsigned().replace(' ID="_response-1"', "")
    return resigned(sign(text, None, Style(uri=' URI=""')).replace('URI=""', 'URI="#"'))


def wrapped() -> Iterator[tuple[str, Bad]]:
    for name, trick in OF_RESPONSES.items():
        source = whole("")
        yield name, Bad("message_misshapen", lambda trick=trick, source=source: trick(source.message()))
    for name, trick in OF_ASSERTIONS.items():
        source = made("")
        yield name, Bad("message_misshapen", lambda trick=trick, source=source: trick(source.message()))


def missing() -> Iterator[tuple[str, Bad]]:
    yield "unsigned", made("signature_missing", assertion=None)
    yield "stripped", Bad("signature_missing", stripped)
    yield "empty_signature_value", re_edited("signature_misshapen", "(<ds:SignatureValue>)[^<]*", r"\1")
    yield "empty_digest_value", re_edited("signature_misshapen", "(<ds:DigestValue>)[^<]*", r"\1")
    yield "signature_value_not_base64", re_edited("signature_misshapen", "(<ds:SignatureValue>)...", r"\1*!?")
    yield "signature_value_short", re_edited("signature_invalid", "(<ds:SignatureValue>)[^<]*", r"\1AAAA")
    yield "signature_value_cut", re_edited("signature_misshapen", "==</ds:SignatureValue>", "</ds:SignatureValue>")
    yield (
        "signature_value_has_children",
        re_edited("signature_misshapen", "</ds:SignatureValue>", "<x/></ds:SignatureValue>"),
    )
    yield "of_another_message", Bad("signature_misshapen", of_another_message)
    yield "of_another_message_with_its_id", Bad("signature_invalid", of_another_message_with_its_id)
    yield "two_signatures", Bad("signature_misshapen", with_two_signatures)


def keys() -> Iterator[tuple[str, Bad]]:
    yield "other_key", styled("signature_invalid", Style(key="other"))
    yield (
        "attacker_certificate_in_key_info",
        styled("signature_invalid", Style(key="other", key_info=x509_info("other"))),
    )
    yield "attacker_key_value", styled("signature_invalid", Style(key="other", key_info=key_value()))
    yield "look_alike_certificate", styled("signature_invalid", Style(key="other", key_info=x509_info("look_alike")))
    yield "idp_certificate_over_other_key", styled("signature_invalid", Style(key="other", key_info=x509_info("idp")))
    yield "weak_key", styled("signature_invalid", Style(key="weak", key_info=x509_info("weak")))
    yield "ec_signature_for_rsa_key", styled("signature_invalid", EC)
    yield "response_by_other_key", made("signature_invalid", response=Style(key="other"))
    yield (
        "assertion_in_signed_response_by_other_key",
        made("signature_invalid", assertion=Style(key="other"), response=STANDARD),
    )


def algorithms() -> Iterator[tuple[str, Bad]]:
    code = "signature_algorithm"
    yield "hmac_with_the_certificate", styled(code, Style(method=f"{MORE}hmac-sha256", secret=SECRET))
    yield "hmac_sha1", styled(code, Style(method=f"{DSIG}hmac-sha1", secret=SECRET))
    yield "sha1_signature", styled(code, Style(method=f"{DSIG}rsa-sha1"))
    yield "sha1_digest", styled(code, Style(digest=f"{DSIG}sha1"))
    method, digest = f'"{MORE}rsa-sha256"', f'"{XENC}sha256"'
    yield "md5_signature", resigned_after(code, (method, f'"{MORE}rsa-md5"'), algorithm=hashes.MD5())
    yield "md5_digest", resigned_after(code, (digest, f'"{MORE}md5"'))
    yield "rsa_pss", resigned_after(code, (method, '"http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"'))
    yield "dsa", resigned_after(code, (method, '"http://www.w3.org/2009/xmldsig11#dsa-sha256"'))
    yield "algorithm_none", resigned_after(code, (method, '"none"'))
    yield "algorithm_empty", resigned_after(code, (method, '""'))
    yield "algorithm_in_upper_case", resigned_after(code, (method, method.upper()))
    yield "algorithm_missing", resigned_after(code, (f" Algorithm={method}", ""))
    yield "digest_algorithm_missing", resigned_after(code, (f" Algorithm={digest}", ""))
    length = f"<ds:SignatureMethod Algorithm={method}><ds:HMACOutputLength>1</ds:HMACOutputLength></ds:SignatureMethod>"
    yield (
        "hmac_output_length",
        resigned_after("signature_misshapen", (f"<ds:SignatureMethod Algorithm={method}/>", length)),
    )


def transforms() -> Iterator[tuple[str, Bad]]:
    code, shape = "signature_canonicalization", "signature_misshapen"
    inclusive, comments = (f'<ds:Transform Algorithm="{name}"/>' for name in (INCLUSIVE, f"{INCLUSIVE}#WithComments"))
    yield "inclusive_canonicalisation", styled(code, Style(canonicalisation=INCLUSIVE))
    yield "inclusive_canonicalization_with_comments", styled(code, Style(canonicalisation=f"{INCLUSIVE}#WithComments"))
    # Casdoor's default
    yield "inclusive_canonicalization_1_1", styled(code, Style(canonicalisation=INCLUSIVE_1_1))
    yield "inclusive_transform", styled(code, Style(transforms=ENVELOPED + inclusive))
    yield "inclusive_transform_with_comments", styled(code, Style(transforms=ENVELOPED + comments))
    yield (
        "canonicalization_of_no_name",
        resigned_after(code, (f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"', "<ds:CanonicalizationMethod")),
    )
    yield (
        "canonicalization_with_other_fragment",
        resigned_after(code, (f'Method Algorithm="{EXCLUSIVE}"', f'Method Algorithm="{EXCLUSIVE}withcomments"')),
    )
    yield "xpath_transform", styled(code, Style(transforms=XPATH + CANONICAL))
    yield "xslt_transform", resigned_after(code, (ENVELOPED, XSLT))
    yield "extra_transform", styled(code, Style(transforms=ENVELOPED + XPATH + CANONICAL))
    yield "canonicalised_twice", styled(code, Style(transforms=ENVELOPED + CANONICAL + CANONICAL))
    yield "transform_missing", styled(code, Style(transforms=CANONICAL))
    yield "canonicalisation_missing", styled(code, Style(transforms=ENVELOPED))
    yield "transforms_swapped", resigned_after(code, (ENVELOPED + CANONICAL, CANONICAL + ENVELOPED))
    yield "transforms_empty", resigned_after(code, (ENVELOPED + CANONICAL, ""))
    yield "transforms_of_another_kind", resigned_after(shape, (CANONICAL, CANONICAL.replace("Transform", "Manifest")))
    for name, edits in COMMENTED.items():
        yield name, made("message_forbidden_markup", *edits, assertion=WITH_COMMENTS)


def transform_parameters() -> Iterator[tuple[str, Bad]]:
    shape = "signature_misshapen"
    inside = ENVELOPED.replace("/>", "><x/></ds:Transform>")
    yield "enveloped_transform_has_children", resigned_after(shape, (ENVELOPED, inside))
    for name, odd in {
        "two_prefix_lists": canonical_with("xs").replace(
            "/></", f'/><ec:InclusiveNamespaces xmlns:ec="{EXCLUSIVE}"/></'
        ),
        "prefix_list_has_children": canonical_with("xs").replace("/></", "><x/></ec:InclusiveNamespaces></"),
        "prefix_list_of_another_namespace": canonical_with("xs").replace(f'xmlns:ec="{EXCLUSIVE}"', 'xmlns:ec="urn:x"'),
        "prefix_list_too_long": canonical_with(" ".join(f"p{number}" for number in range(17))),
    }.items():
        yield name, resigned_after(shape, (CANONICAL, odd))
    leaf = f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"'
    yield (
        "canonicalisation_method_has_children",
        resigned_after(shape, (f"{leaf}/>", f"{leaf}><x/></ds:CanonicalizationMethod>")),
    )


def references() -> Iterator[tuple[str, Bad]]:
    code = "signature_misshapen"
    twice = (
        f'<ds:Reference URI="#_response-1"><ds:Transforms>{ENVELOPED}{CANONICAL}</ds:Transforms>'
        f"{SHA256_DIGEST}<ds:DigestValue>AAAA</ds:DigestValue></ds:Reference>"
    )
    yield "two_references", resigned_after(code, ("</ds:SignedInfo>", f"{twice}</ds:SignedInfo>"))
    yield "no_reference", resigned_re(code, "<ds:Reference .*</ds:Reference>", "")
    yield "reference_to_whole_document", resigned_after(code, (REFERENCE, '<ds:Reference URI="">'))
    yield "reference_to_nothing", Bad(code, reference_to_nothing)
    yield "reference_without_uri", resigned_after(code, (REFERENCE, "<ds:Reference>"))
    yield (
        "reference_elsewhere",
        resigned_after(code, (REFERENCE, '<ds:Reference URI="https://attacker.example/a.xml">')),
    )
    yield "reference_to_a_file", resigned_after(code, (REFERENCE, '<ds:Reference URI="file:///etc/hostname">'))
    yield "reference_to_other_id", resigned_after(code, (REFERENCE, '<ds:Reference URI="#_response-1">'))
    yield (
        "reference_by_xpointer",
        resigned_after(code, (REFERENCE, "<ds:Reference URI=\"#xpointer(id('_assertion-1'))\">")),
    )
    yield "reference_with_type", resigned_after(code, (REFERENCE, REFERENCE.replace(">", f' Type="{DSIG}Object">')))
    yield "reference_without_digest", resigned_after(code, (SHA256_DIGEST, ""))
    yield (
        "digest_method_has_children",
        resigned_after(code, (SHA256_DIGEST, SHA256_DIGEST.replace("/>", "><x/></ds:DigestMethod>"))),
    )
    yield "two_signed_infos", re_edited(code, "(<ds:SignedInfo>.*</ds:SignedInfo>)", r"\1\1")
    yield (
        "signed_info_after_value",
        re_edited(code, "(<ds:SignedInfo>.*</ds:SignedInfo>)(<ds:SignatureValue>.*</ds:SignatureValue>)", r"\2\1"),
    )
    yield "object_beside", re_edited(code, "</ds:Signature>", "<ds:Object/></ds:Signature>")
    yield (
        "signed_info_of_another_namespace",
        re_edited(code, "<ds:SignedInfo>(.*)</ds:SignedInfo>", r'<x:SignedInfo xmlns:x="urn:x">\1</x:SignedInfo>'),
    )
    yield "void_canonicalisation", Bad(code, void_canonicalisation)
    yield "relative_namespace_in_signed_info", re_edited(code, "<ds:SignedInfo>", '<ds:SignedInfo xmlns:void="1">')


def places() -> Iterator[tuple[str, Bad]]:
    for name, where in {
        "signature_in_subject": SUBJECT,
        "signature_in_status": "<samlp:Status>",
        "signature_in_attribute_value": f"<saml:AttributeValue>{ATTRIBUTE[:-1]}",
    }.items():
        yield name, Bad("message_misshapen", out_of_place(where))
    yield (
        "signature_in_response_for_assertion",
        Bad("signature_misshapen", out_of_place(f'{ACS}" InResponseTo="_request-1"><saml:Issuer>{IDP}</saml:Issuer>')),
    )
    yield (
        "signature_of_another_namespace",
        re_edited("message_misshapen", "<ds:Signature .*</ds:Signature>", '<x:Signature xmlns:x="urn:x"/>'),
    )


def table() -> Iterator[tuple[str, Bad]]:
    for group in (wrapped, missing, keys, algorithms, transforms, transform_parameters, references, places):
        yield from group()
