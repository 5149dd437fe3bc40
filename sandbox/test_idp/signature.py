"""Enveloped signatures, made by libxmlsec."""

import xmlsec
from lxml import etree

from sandbox.test_idp.dialects import Dialect
from sandbox.test_idp.types import Fault, KeyPair, ResponseOptions, Signs

ASSERTION = "{urn:oasis:names:tc:SAML:2.0:assertion}Assertion"


def sign(response: bytes, pair: KeyPair, choice: ResponseOptions, dialect: Dialect) -> bytes:
    """Return the response with the chosen signatures: enveloped, exc-c14n, RSA-SHA256 unless the fault is SHA-1."""
    root = etree.fromstring(response)
    xmlsec.tree.add_ids(root, ["ID"])
    key = xmlsec.Key.from_memory(pair.key, xmlsec.constants.KeyDataFormatPem)
    key.load_cert_from_memory(pair.certificate, xmlsec.constants.KeyDataFormatCertPem)
    assertion = root.find(ASSERTION)
    # the inner one comes first: the outer one covers it
    if assertion is not None and choice.signs is not Signs.RESPONSE:
        _sign_element(assertion, key, dialect, is_weak=choice.fault is Fault.SHA1)
    if choice.signs is not Signs.ASSERTION:
        _sign_element(root, key, dialect, is_weak=choice.fault is Fault.SHA1)
    return etree.tostring(root)


def _sign_element(element: etree._Element, key: xmlsec.Key, dialect: Dialect, *, is_weak: bool) -> None:
    constants = xmlsec.constants
    method = constants.TransformRsaSha1 if is_weak else constants.TransformRsaSha256
    digest = constants.TransformSha1 if is_weak else constants.TransformSha256
    signature = xmlsec.template.create(element, constants.TransformExclC14N, method, ns=dialect.signature)
    reference = xmlsec.template.add_reference(signature, digest, uri=f"#{element.get('ID')}")
    xmlsec.template.add_transform(reference, constants.TransformEnveloped)
    canonical = xmlsec.template.add_transform(reference, constants.TransformExclC14N)
    if dialect.inclusive:
        xmlsec.template.transform_add_c14n_inclusive_namespaces(canonical, dialect.inclusive)
    x509 = xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(signature))
    xmlsec.template.x509_data_add_certificate(x509)
    # the schema wants it right after the issuer
    element.insert(1, signature)
    context = xmlsec.SignatureContext()
    context.key = key
    context.sign(signature)
