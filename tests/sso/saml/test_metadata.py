"""Metadata of IdPs: what is taken from it, and that each thing that is wrong has a sentence of its own."""

from datetime import timedelta

import pytest
from lxml import etree
from saml2.xml.schema import validate

from sso.connections.types import Binding
from sso.saml import metadata
from sso.saml import metadata_errors as errors
from sso.saml.certificates import bare, make_key_pair, read_certificate, read_pasted_certificates
from sso.saml.metadata import ManualIdp, describe_idp, describe_sp, read_idp_metadata
from sso.saml.types import ServiceProvider
from tests.sso.saml.test_certificates import issue
from tests.vectors.saml.keys import stored
from tests.vectors.saml.world import NOW, certificate_pem

IDP, OTHER = certificate_pem("idp"), certificate_pem("other")
ENTITY = (
    '<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity_id}"{until}>'
    "{roles}</md:EntityDescriptor>"
)
ROLE = (
    '<md:IDPSSODescriptor WantAuthnRequestsSigned="{signed}" protocolSupportEnumeration="{protocol}"{until}>{keys}'
    "<md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</md:NameIDFormat>{services}</md:IDPSSODescriptor>"
)
KEY = (
    '<md:KeyDescriptor{use}><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>'
    "<ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
)
SERVICE = (
    '<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-{binding}" Location="{location}"/>'
)
SSO = "https://sso.jumpcloud.com/saml2/gatehouse"
PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"


def key(certificate=IDP, use=' use="signing"'):
    return KEY.format(use=use, certificate=bare(certificate) if "BEGIN" in certificate else certificate)


def service(location=SSO, binding="POST"):
    return SERVICE.format(binding=binding, location=location)


def role(keys=None, services=None, protocol=PROTOCOL, until="", signed="false"):
    keys, services = key() if keys is None else keys, service() if services is None else services
    return ROLE.format(keys=keys, services=services, protocol=protocol, until=until, signed=signed)


def entity(roles=None, entity_id="urn:auth-portal", until=""):
    return ENTITY.format(entity_id=entity_id, roles=role() if roles is None else roles, until=until)


def read(text, **given):
    return read_idp_metadata(text.encode() if isinstance(text, str) else text, now=NOW, **given)


def test_jumpcloud_metadata_is_read():
    found = read('<?xml version="1.0" encoding="UTF-8"?>\n' + entity())
    assert found.entity_id == "urn:auth-portal"
    assert [(end.binding, end.location) for end in found.endpoints] == [(Binding.POST, SSO)]
    assert found.certificates == (read_certificate(IDP),)
    assert found.name_id_formats == ("urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",)
    assert not found.wants_signed_requests


def test_redirect_endpoint_is_listed_before_post():
    found = read(entity(role(services=service() + service(f"{SSO}/r", "Redirect") + service(SSO, "Artifact"))))
    assert [end.binding for end in found.endpoints] == [Binding.REDIRECT, Binding.POST]


def test_manual_entry_gives_the_same_description_as_exported_metadata():
    manual = describe_idp(ManualIdp("urn:auth-portal", SSO, Binding.POST, read_pasted_certificates(IDP).certificates))
    typed, exported = read(manual), read(entity())
    assert (typed.entity_id, typed.endpoints, typed.certificates) == (
        exported.entity_id,
        exported.endpoints,
        exported.certificates,
    )


def test_key_without_a_use_is_read_as_a_signing_key():
    assert read(entity(role(keys=key(use="")))).certificates


def test_key_for_encryption_is_not_read_as_a_signing_key():
    assert len(read(entity(role(keys=key() + key(OTHER, ' use="encryption"')))).certificates) == 1


def test_all_certificates_in_one_key_info_are_read():
    both = key().replace("</ds:X509Data>", f"<ds:X509Certificate>{bare(OTHER)}</ds:X509Certificate></ds:X509Data>")
    assert len(read(entity(role(keys=both))).certificates) == 2


def test_other_roles_and_the_signature_in_entra_metadata_are_ignored():
    extra = (
        '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo/></ds:Signature>'
        '<md:RoleDescriptor xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:fed="http://docs.oasis-open.org/'
        'wsfed/federation/200706" xsi:type="fed:SecurityTokenServiceType" protocolSupportEnumeration="http://docs.oasis-'
        f'open.org/wsfed/federation/200706">{key(OTHER)}</md:RoleDescriptor>'
    )
    found = read(entity(extra + role(keys=key() + key(OTHER)), "https://sts.windows.net/tenant/"))
    assert (found.entity_id, len(found.certificates)) == ("https://sts.windows.net/tenant/", 2)


def test_idp_is_read_from_an_entities_descriptor_with_one_idp():
    others = entity('<md:SPSSODescriptor protocolSupportEnumeration="x"/>', "urn:sp")
    text = f'<md:EntitiesDescriptor xmlns:md="{metadata.MD}">{others}{entity()}</md:EntitiesDescriptor>'
    assert read(text).entity_id == "urn:auth-portal"


def test_metadata_with_comments_and_a_byte_order_mark_is_read():
    assert read(b"\xef\xbb\xbf" + entity(f"<!-- exported -->{role()}").encode()).entity_id == "urn:auth-portal"


def test_metadata_that_wants_signed_requests_is_read_so():
    assert read(entity(role(signed="true"))).wants_signed_requests


@pytest.mark.parametrize(
    "until",
    [
        "2026-03-01T12:00:01Z",
        "2026-03-01T12:00:00.1Z",
        "2026-03-01T12:00:00.123456789Z",
        "2026-03-01T12:00:01",
        "2026-03-01T13:00:01+01:00",
        "2026-03-01T07:00:01.5-05:00",
        " 2027-01-01T00:00:00Z ",
        "9999-12-31T23:59:59.9999999Z",
        "0001-01-01T00:00:00",
        "0001-01-01T00:00:00Z",
    ],
)
def test_metadata_is_read_when_valid_until_is_in_the_future(until):
    assert read(entity(until=f' validUntil="{until}"'))


@pytest.mark.parametrize(
    "encoding", ["utf8", "UTF8", "us-ascii", "ISO-8859-1", "iso-8859-15", "windows-1252", "latin1"]
)
def test_ascii_metadata_is_read_under_any_ascii_compatible_encoding_name(encoding):
    assert read(f'<?xml version="1.0" encoding="{encoding}"?>{entity()}').entity_id == "urn:auth-portal"


WEAK = bare(certificate_pem("weak"))
BAD = {
    "an HTML page": (b"\n <!DOCTYPE html><html><body>Sign in</body></html>", errors.MetadataIsHtml),
    "an XHTML page": ('<html xmlns="http://www.w3.org/1999/xhtml"><p/></html>', errors.MetadataIsHtml),
    "an XHTML page behind a declaration": ("<?xml version='1.0'?><html/>", errors.MetadataIsHtml),
    "an XHTML page with all that belongs to it": (
        (
            '\ufeff<?xml version="1.0" encoding="ISO-8859-1"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN"'
            ' "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">\n<html/>'
        ),
        errors.MetadataIsHtml,
    ),
    "an XHTML page with a prefix": ('<h:html xmlns:h="http://www.w3.org/1999/xhtml"/>', errors.MetadataIsHtml),
    "a page behind comments": (b"<!-- one --> <!-- <md:x> -->\n<HTML lang='en'><br></HTML>", errors.MetadataIsHtml),
    "comments without end": (b"<!-- -->" * 60_000 + b"<!-- <html>", errors.MetadataUnreadable),
    "what begins as a page does": ("<htmlish/>", errors.MetadataOfOther),
    "UTF-32": (entity().encode("utf-32"), errors.MetadataMisencoded),
    "an encoding that nobody knows": (f'<?xml version="1.0" encoding="KOI8-R"?>{entity()}', errors.MetadataMisencoded),
    "Latin letters that nobody declares": (entity(entity_id="urn:é").encode("latin-1"), errors.MetadataMisencoded),
    "UTF-16 with half a letter": (entity().encode("utf-16") + b"x", errors.MetadataMisencoded),
    "UTF-16 that grows beyond 1 MB": (("<a>" + "\u4e00" * 400_000 + "</a>").encode("utf-16"), errors.MetadataTooLarge),
    "10 MB": (b"<a>" + b"x" * 10_000_000 + b"</a>", errors.MetadataTooLarge),
    "20,000 elements": (f"<a>{'<b/>' * 20_000}</a>", errors.MetadataTooLarge),
    "5,000 namespaces": ("<a>" + '<b xmlns="x"/>' * 5_000 + "</a>", errors.MetadataTooLarge),
    "no XML": ("entityID: urn:x", errors.MetadataUnreadable),
    "nothing": ("", errors.MetadataUnreadable),
    "half of it": (entity()[:300], errors.MetadataCutOff),
    "a DTD": (f"<!DOCTYPE x [<!ENTITY a 'b'>]>{entity()}", errors.MetadataForbidden),
    "a DTD in UTF-16": (
        ('<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x SYSTEM "http://127.0.0.1/x">' + entity()).encode("utf-16"),
        errors.MetadataForbidden,
    ),
    "two IdPs": (
        f'<md:EntitiesDescriptor xmlns:md="{metadata.MD}">{entity()}{entity()}</md:EntitiesDescriptor>',
        errors.MetadataOfSeveral,
    ),
    "a role for attributes only": (entity("<md:AttributeAuthorityDescriptor/>"), errors.MetadataOfNoIdp),
    "a role outside of an entity": (f'<x xmlns:md="{metadata.MD}">{role()}</x>', errors.MetadataOfNoIdp),
    "no entity ID": (entity(entity_id=""), errors.EntityIdInvalid),
    "a long entity ID": (entity(entity_id="u" * 1_025), errors.EntityIdInvalid),
    "an entity ID with a tab": (entity(entity_id="urn:a&#9;b"), errors.EntityIdInvalid),
    "no endpoint": (entity(role(services="")), errors.EndpointMissing),
    "another binding": (entity(role(services=service(binding="Artifact"))), errors.EndpointMissing),
    "no certificate": (entity(role(keys="")), errors.CertificateMissing),
    "an empty certificate": (entity(role(keys=key("TODO"))), errors.CertificateUnreadable),
    "a certificate in pieces": (entity(role(keys=key("<b/>"))), errors.CertificateUnreadable),
    "a weak key": (entity(role(keys=key(WEAK))), errors.KeyTooWeak),
    "what has ended": (entity(until=' validUntil="2026-03-01T12:00:00Z"'), errors.MetadataExpired),
    "a role that has ended": (entity(role(until=' validUntil="2020-01-01T00:00:00Z"')), errors.MetadataExpired),
    "an end that is no time": (entity(until=' validUntil="soon"'), errors.MetadataEndUnreadable),
    "an end in no calendar": (entity(until=' validUntil="2027-02-30T00:00:00Z"'), errors.MetadataEndUnreadable),
    "an end that is a day": (entity(until=' validUntil="2027-01-01"'), errors.MetadataEndUnreadable),
    "an empty end": (entity(until=' validUntil=""'), errors.MetadataEndUnreadable),
    "an end by another zone": (entity(until=' validUntil="2026-03-01T13:00:00+01:00"'), errors.MetadataExpired),
    "an end without a zone": (entity(until=' validUntil="2026-03-01T12:00:00"'), errors.MetadataExpired),
    "an end before a fraction": (entity(until=' validUntil="2026-03-01T11:59:59.9999999Z"'), errors.MetadataExpired),
}


@pytest.mark.parametrize("name", BAD)
def test_metadata_with_one_fault_raises_the_error_of_that_fault(name):
    document, problem = BAD[name]
    with pytest.raises(errors.MetadataError) as refusal:
        read(document)
    assert type(refusal.value) is problem


def test_an_expired_certificate_is_read_for_the_admin_to_decide():
    ended = issue(stored("idp"), days=-1)
    [found] = read(entity(role(keys=key(ended)))).certificates
    assert found.has_expired(NOW)


@pytest.mark.parametrize(
    "url",
    [
        "http://idp.example/sso",
        "javascript:alert(1)",
        "https://",
        "https://user@idp.example/",
        "https://idp.example/#part",
        "https://idp.example:port/",
        "https://*.example/",
        "https://idp.example,evil.example/",
        "https://[fe80::1%25lo]/",
        "https://[::1/",
        "https://idp.example/a b",
        "https://idp.example/&quot;x",
        "https://idp.example;x/",
        "https://idp.é*xample/",
        "https://user@idp.éxample/",
        "https://idp.éxample:port/",
        "https://idp.example/\u200b",
        "http://idp.éxample/",
        "https:idp.example/é",
        "https:é",
        f"https://idp.example/{'x' * 2_000}",
        "http://127.0.0.1:8001/sso",
    ],
)
def test_endpoint_that_is_not_safe_https_is_refused(url):
    with pytest.raises(errors.EndpointNotHttps):
        read(entity(role(services=service(url))))


@pytest.mark.parametrize("host", ["127.0.0.1:8001", "localhost", "[::1]:9"])
def test_loopback_endpoint_without_tls_is_read_when_loopback_is_allowed(host):
    found = read(entity(role(services=service(f"http://{host}/sso"))), allows_loopback=True)
    assert found.endpoints[0].location == f"http://{host}/sso"


@pytest.mark.parametrize("host", ["10.0.0.1", "idp.example", "localhost.example"])
def test_other_endpoint_without_tls_is_refused_when_loopback_is_allowed(host):
    with pytest.raises(errors.EndpointNotHttps):
        read(entity(role(services=service(f"http://{host}/sso"))), allows_loopback=True)


def test_sp_metadata_is_valid_by_the_schema_and_has_all_values():
    pairs = [make_key_pair("acme", now=NOW), make_key_pair("acme", now=NOW + timedelta(days=1))]
    sp = ServiceProvider("https://portal.example/saml/1/metadata", "https://portal.example/saml/1/acs")
    document = describe_sp(sp, [pair.certificate_pem for pair in pairs])
    validate(document.decode())
    root = etree.fromstring(document)
    assert root.get("entityID") == sp.entity_id
    [acs] = root.iter("{*}AssertionConsumerService")
    assert (acs.get("Location"), acs.get("Binding")) == (sp.acs_url, Binding.POST)
    assert [node.text for node in root.iter("{*}NameIDFormat")] == [sp.name_id_format]
    assert [node.text for node in root.iter("{*}X509Certificate")] == [bare(pair.certificate_pem) for pair in pairs]


def test_metadata_made_from_manual_entry_is_valid_by_the_schema():
    typed = ManualIdp('urn:"<x>&', SSO, Binding.REDIRECT, read_pasted_certificates(IDP).certificates)
    validate(describe_idp(typed).decode())
    assert read(describe_idp(typed)).entity_id == 'urn:"<x>&'
