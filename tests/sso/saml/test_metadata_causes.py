"""Metadata that can't be used: the cause is named, with its line and what to do; what can be read safely is read."""

import base64
import json

import pytest

from sso.saml import metadata_errors as errors
from sso.saml.metadata import MD, read_idp_metadata
from sso.saml.metadata_input import plain_metadata
from tests.sso.saml.test_metadata import IDP, KEY, PROTOCOL, SERVICE, entity, key, read, role, service
from tests.vectors.saml.world import NOW

DECLARATION = '<?xml version="1.0" encoding="{}"?>\n'
NO_PROTOCOL = role().replace(f' protocolSupportEnumeration="{PROTOCOL}"', "")
NAMED_KEY = key().replace("<ds:X509Data>", "<ds:KeyName>idp</ds:KeyName><!--").replace("</ds:X509Data>", "-->")
BARE_KEY = (
    '<md:KeyDescriptor use="signing">\n<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:KeyValue/>'
    "</ds:KeyInfo></md:KeyDescriptor>"
)
EMPTY_KEY = '<md:KeyDescriptor><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/></md:KeyDescriptor>'
OIDC = json.dumps({"issuer": "https://idp.example", "authorization_endpoint": "https://idp.example/authorize"})
TREE = (
    "This XML file does not appear to have any style information associated with it. "
    "The document tree is shown below.\n" + entity()
)
REQUEST = '<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"/>'
# name: (document, error, line, what the sentence has to say)
CAUSES = {
    "no protocol named": (f"\n{entity(NO_PROTOCOL)}", errors.ProtocolMissing, 2, "protocolSupportEnumeration"),
    "an empty protocol": (entity(role(protocol=" ")), errors.ProtocolMissing, 1, "protocolSupportEnumeration"),
    "SAML 1.1 only": (
        entity("\n" + role(protocol="urn:oasis:names:tc:SAML:1.1:protocol")),
        errors.ProtocolUnsupported,
        2,
        "Found: urn:oasis:names:tc:SAML:1.1:protocol.",
    ),
    "no namespace": (
        f"<EntityDescriptor entityID='x'>\n{role()}</EntityDescriptor>".replace("md:", ""),
        errors.NamespaceMissing,
        1,
        "Found: no namespace.",
    ),
    "another namespace": (entity().replace(MD, "urn:other"), errors.NamespaceMissing, 1, "Found: urn:other."),
    "a role without a namespace": (
        f'<md:EntityDescriptor xmlns:md="{MD}">\n<IDPSSODescriptor/></md:EntityDescriptor>',
        errors.NamespaceMissing,
        2,
        "in the namespace of SAML metadata",
    ),
    "two roles in one entity": (entity(f"{role()}\n\n{role()}"), errors.RolesAmbiguous, 3, "several IDPSSODescriptors"),
    "two IdPs": (
        f'<md:EntitiesDescriptor xmlns:md="{MD}">{entity()}\n{entity()}</md:EntitiesDescriptor>',
        errors.MetadataOfSeveral,
        2,
        "Found: 2 identity providers.",
    ),
    "a stylesheet": (
        f'<?xml version="1.0"?>\n<?xml-stylesheet href="x.xsl"?>\n{entity()}',
        errors.InstructionInMetadata,
        2,
        "Found: xml-stylesheet.",
    ),
    "an instruction inside": (entity(f"\n<?php x?>{role()}"), errors.InstructionInMetadata, 2, "Found: php."),
    "a key by its name only": (
        entity(f"\n{role(keys=NAMED_KEY)}"),
        errors.CertificateNotIncluded,
        2,
        "Found: KeyName.",
    ),
    "a bare key": (entity(role(keys=BARE_KEY)), errors.CertificateNotIncluded, 1, "Found: KeyValue."),
    "an empty key": (entity(role(keys=EMPTY_KEY)), errors.CertificateNotIncluded, 1, "an empty KeyInfo"),
    "no key at all": (entity(f"\n{role(keys='')}"), errors.CertificateMissing, 2, "no signing certificate"),
    "a certificate of rubbish": (entity(role(keys=f"\n\n{key('TODO')}")), errors.CertificateUnreadable, 3, "BEGIN"),
    "an unescaped ampersand": (
        entity("\n" + role(services=service("https://idp.example/sso?a=1&b=2"))),
        errors.AmpersandUnescaped,
        2,
        "&amp;",
    ),
    "an ampersand alone": (entity("\n\n R & D"), errors.AmpersandUnescaped, 3, "&amp;"),
    "an entity of HTML": (entity("\n&nbsp;"), errors.AmpersandUnescaped, 2, "&amp;"),
    "a part of it": (f"\n{role()}", errors.PrefixUndeclared, 2, "xmlns:"),
    "a tree that was copied": (TREE, errors.MetadataIsCopiedPage, 0, "browser’s view"),
    "a tree with signs for folding": (f"- {entity()}", errors.MetadataIsCopiedPage, 0, "browser’s view"),
    "JSON": ('{"entityId": "x"}', errors.MetadataIsJson, 0, "JSON"),
    "a list in JSON": ("[]", errors.MetadataIsJson, 0, "JSON"),
    "OpenID Connect": (OIDC, errors.MetadataIsOidc, 0, "OpenID Connect"),
    "a page to sign in": (b"<!doctype html><form action=login>", errors.MetadataIsHtml, 0, "a page to sign in"),
    "our own": (
        entity('\n<md:SPSSODescriptor protocolSupportEnumeration="x"/>'),
        errors.MetadataOfSp,
        2,
        "metadata of a service provider",
    ),
    "no role": (entity("<x/>"), errors.MetadataOfNoIdp, 0, "no IDPSSODescriptor"),
    "a role outside": (
        f'<x xmlns:md="{MD}">\n{role()}</x>',
        errors.MetadataOfNoIdp,
        2,
        "outside of an EntityDescriptor",
    ),
    "a request": (REQUEST, errors.MetadataOfOther, 1, "protocol}AuthnRequest."),
    "a certificate": (IDP, errors.MetadataIsCertificate, 0, "By hand"),
    "a bare certificate": (key().split(">")[4].split("<")[0], errors.MetadataIsCertificate, 0, "By hand"),
    "half of it": (entity()[:-8], errors.MetadataCutOff, 1, "a part is missing"),
    "UTF-32": (entity().encode("utf-32"), errors.MetadataMisencoded, 0, "Found: UTF-32."),
    "a DTD": (f"<!DOCTYPE x>{entity()}", errors.MetadataForbidden, 0, "DTD"),
    "base64 of base64": (
        base64.b64encode(base64.b64encode(entity().encode())),
        errors.MetadataUnreadable,
        1,
        "well-formed XML",
    ),
    "base64 of nothing known": (base64.b64encode(b"\xff" * 60), errors.MetadataUnreadable, 1, "well-formed XML"),
    "base64 that isn't": (b"A" * 61, errors.MetadataUnreadable, 1, "well-formed XML"),
    "no entity ID": (f"\n{entity(entity_id='')}", errors.EntityIdInvalid, 2, "entity ID is missing"),
    "no endpoint": (
        entity(role(services=service(binding="Artifact"))),
        errors.EndpointMissing,
        0,
        "Found: HTTP-Artifact.",
    ),
    "a plain endpoint": (
        entity(role(services=f"\n{service('http://idp.example/')}")),
        errors.EndpointNotHttps,
        2,
        "Found: http://idp.example/.",
    ),
    "what has ended": (entity(until='\nvalidUntil="2020-01-01"'), errors.MetadataEndUnreadable, 2, "2020-01-01"),
}


@pytest.mark.parametrize("name", CAUSES)
def test_metadata_refusal_names_its_cause_and_line(name):
    document, problem, line, said = CAUSES[name]
    with pytest.raises(errors.MetadataError) as refusal:
        read(document)
    assert (type(refusal.value), refusal.value.line) == (problem, line)
    assert said in refusal.value.sentence
    assert (f"See line {line}." in refusal.value.sentence) is bool(line)


def test_metadata_errors_say_what_to_do():
    for one in errors.MetadataError.__subclasses__():
        assert one.public.count(". ") + one.public.count(": ") >= 1 or "Paste" in one.public, one


READ = {
    "UTF-8 with a mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "a line break before the declaration": lambda text: f"\n{DECLARATION.format('UTF-8')}{text}".encode(),
    "a mark and a line break": lambda text: f"\ufeff\r\n{DECLARATION.format('UTF-8')}{text}".encode(),
    "UTF-16 with a mark": lambda text: f"{DECLARATION.format('UTF-16')}{text}".encode("utf-16"),
    "UTF-16 without a mark": lambda text: f"{DECLARATION.format('UTF-16')}{text}".encode("utf-16-be"),
    "UTF-16 without a declaration": lambda text: text.encode("utf-16-le"),
    "UTF-16 by its byte order mark, declared UTF-8": lambda text: f"{DECLARATION.format('UTF-8')}{text}".encode(
        "utf-16"
    ),
    "UTF-8 that calls itself UTF-16": lambda text: f"{DECLARATION.format('utf-16')}{text}".encode(),
    "Latin-1": lambda text: f"{DECLARATION.format('ISO-8859-1')}{text}".encode("latin-1"),
    "Latin-9": lambda text: f"{DECLARATION.format('iso-8859-15')}{text}".encode("iso-8859-15"),
    "Windows": lambda text: f"{DECLARATION.format('windows-1252')}{text}".encode("cp1252"),
    "UTF-8 behind a mark that calls itself Latin-1": lambda text: (
        b"\xef\xbb\xbf" + f"{DECLARATION.format('ISO-8859-1')}{text}".encode()
    ),
    "base64": lambda text: base64.encodebytes(text.encode()),
    "base64 of UTF-16": lambda text: base64.b64encode(text.encode("utf-16")),
}


@pytest.mark.parametrize("name", READ)
def test_metadata_is_read_when_it_is_in(name):
    document = READ[name](entity(entity_id="urn:café"))
    assert read(document).entity_id == "urn:café"


@pytest.mark.parametrize("name", READ)
def test_plain_metadata_is_read_again_when_it_was_stored(name):
    plain = plain_metadata(READ[name](entity(entity_id="urn:café")))
    assert plain_metadata(plain) == plain
    assert read_idp_metadata(plain, now=NOW).entity_id == "urn:café"


def test_first_safe_endpoint_of_a_binding_is_taken_when_others_are_not_https():
    services = "".join(
        [
            service("http://idp.example/plain"),
            service("https://idp.example/one"),
            service("https://idp.example/two"),
            service("ftp://idp.example/", "Redirect"),
        ]
    )
    found = read(entity(role(services=services)))
    assert [end.location for end in found.endpoints] == ["https://idp.example/one"]
    assert found.urls_left_out == ("http://idp.example/plain", "ftp://idp.example/")


def test_endpoint_without_a_location_is_ignored():
    found = read(entity(role(services=SERVICE.format(binding="Redirect", location=" ") + service())))
    assert (len(found.endpoints), found.urls_left_out) == (1, ())


URLS = {
    "https://idp.example/sso;jsessionid=1?a=b;c": "https://idp.example/sso;jsessionid=1?a=b;c",
    "https://idp.example/sso?": "https://idp.example/sso?",
    "https://idp.example/anmeldung/größe?q=é": "https://idp.example/anmeldung/gr%C3%B6%C3%9Fe?q=%C3%A9",
    "https://bücher.example:8443/sso": "https://xn--bcher-kva.example:8443/sso",
    "https://straße.example/": "https://xn--strae-oqa.example/",
    "https://idp.example/é?": "https://idp.example/%C3%A9?",
    "https://idp.example/100%25é": "https://idp.example/100%25%C3%A9",
}


@pytest.mark.parametrize("url", URLS)
def test_endpoint_is_taken_as_browsers_write_it(url):
    assert read(entity(role(services=service(url)))).endpoints[0].location == URLS[url]


def test_certificate_is_read_when_another_key_has_only_a_name():
    assert read(entity(role(keys=NAMED_KEY + KEY.format(use="", certificate=key().split(">")[4].split("<")[0]))))
