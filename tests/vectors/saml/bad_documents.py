"""Messages that aren't read as far as their signatures."""

from collections.abc import Iterator

from lxml import etree

from tests.vectors.saml.defects import (
    ASSERTION_HEAD,
    NAME_ID,
    RESPONSE_HEAD,
    SUBJECT,
    Bad,
    Edit,
    altered,
    edited,
    made,
    re_edited,
    signed,
    whole,
    whole_altered,
)
from tests.vectors.saml.signing import STANDARD
from tests.vectors.saml.world import ACS

BOMB = (
    '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;">]>'
)


def encoded(encoding: str, *edits: Edit, named: str = "", code: str = "message_encoding") -> Bad:
    """Return a message in another encoding."""

    def message() -> bytes:
        text = edited(signed(), edits)
        return f'<?xml version="1.0" encoding="{named or encoding}"?>{text}'.encode(encoding)

    return Bad(code, message)


def utf_16(ending: bytes = b"") -> bytes:
    return f'<?xml version="1.0" encoding="utf-16"?>{signed()}'.encode("utf-16") + ending


def bare_assertion() -> str:
    root = etree.fromstring(signed())
    return etree.tostring(root[-1], encoding="unicode")


def markup() -> Iterator[tuple[str, Bad]]:
    code = "message_forbidden_markup"
    for name, old, new in (
        ("comment_in_name_id", NAME_ID, f"uma@acme.example<!-- -->.attacker.example{NAME_ID[16:]}"),
        ("instruction_in_name_id", NAME_ID, f"uma@acme.example<?x y?>{NAME_ID[16:]}"),
        ("comment_in_digest_value", "</ds:DigestValue>", "<!--AAAA--></ds:DigestValue>"),
        ("comment_in_signed_info", "<ds:SignedInfo>", "<ds:SignedInfo><!-- -->"),
        ("comment_before_root", "<samlp:Response ", "<!-- --><samlp:Response "),
        ("comment_after_root", "</samlp:Response>", "</samlp:Response><!-- -->"),
        ("instruction_before_root", "<samlp:Response ", "<?xml-stylesheet href='x'?><samlp:Response "),
        ("dtd", "<samlp:Response ", "<!DOCTYPE samlp:Response><samlp:Response "),
        (
            "dtd_declares_ids",
            "<samlp:Response ",
            "<!DOCTYPE r [<!ATTLIST saml:Assertion ID ID #IMPLIED>]><samlp:Response ",
        ),
        ("external_dtd", "<samlp:Response ", '<!DOCTYPE r SYSTEM "file:///etc/hostname"><samlp:Response '),
        ("entity_bomb", "<samlp:Response ", f"{BOMB}<samlp:Response "),
        (
            "external_entity",
            "<samlp:Response ",
            '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]><samlp:Response ',
        ),
    ):
        yield name, altered(code, (old, new))


def encodings() -> Iterator[tuple[str, Bad]]:
    doctype = ("<samlp:Response ", "<!DOCTYPE samlp:Response><samlp:Response ")
    comment = (SUBJECT, f"<!-- -->{SUBJECT}")
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "iso-8859-1"):
        name = encoding.replace("-", "_").replace("utf_16", "utf16")
        yield f"{name}_with_dtd", encoded(encoding, doctype, code="message_forbidden_markup")
        yield f"{name}_with_comment", encoded(encoding, comment, code="message_forbidden_markup")
    yield "utf16_of_odd_length", Bad("message_encoding", lambda: utf_16(b"\0"))
    yield "utf16_with_half_a_pair", Bad("message_encoding", lambda: utf_16(b"\0\xd8"))
    yield "utf32", encoded("utf-32")
    yield "utf32_without_mark", encoded("utf-32-be")
    yield "shift_jis_declared", encoded("utf-8", named="Shift_JIS")
    yield "no_encoding_declared", Bad("message_encoding", lambda: f'<?xml version="1.0" encoding=""?>{signed()}')
    yield "iso_8859_12", encoded("utf-8", named="ISO-8859-12")
    yield "windows_1252_with_a_hole", encoded("latin-1", ("Ünal", "\x81nal"), named="windows-1252")
    # as it is read it isn't what was signed
    yield "utf8_declared_as_latin_1", encoded("utf-8", named="ISO-8859-1", code="signature_invalid")
    yield "utf7", encoded("utf-7")
    yield "utf7_declared", encoded("utf-8", named="UTF-7")
    yield "ebcdic", encoded("cp037", ("Ünal", "Unal"))
    yield "not_utf8", Bad("message_encoding", lambda: signed().encode("iso-8859-1"))
    yield "xml_1_1", Bad("message_unreadable", lambda: f'<?xml version="1.1"?>{made("").message()}')
    yield "two_roots", Bad("message_unreadable", lambda: f"{signed()}<samlp:Response/>")
    yield "trailing_text", Bad("message_unreadable", lambda: f"{signed()}x")
    yield "trailing_nul", Bad("message_unreadable", lambda: f"{signed()}\0")
    yield "cut_off", Bad("message_unreadable", lambda: signed()[:-1])
    yield "undeclared_prefix", altered("message_unreadable", (SUBJECT, "<x:y/><saml:Subject>"))
    yield "undeclared_entity", altered("message_unreadable", (NAME_ID, f"&x;{NAME_ID}"))
    yield "attribute_twice", altered("message_unreadable", (ASSERTION_HEAD, f'{ASSERTION_HEAD} ID="_assertion-2"'))


def shapes() -> Iterator[tuple[str, Bad]]:
    code = "message_misshapen"
    yield "duplicate_id", altered(code, ('ID="_response-1"', 'ID="_assertion-1"'))
    yield "duplicate_id_in_lower_case", altered(code, (SUBJECT, '<saml:Subject id="_assertion-1">'))
    yield "duplicate_xml_id", altered(code, (SUBJECT, '<saml:Subject xml:id="_assertion-1">'))
    yield "assertion_without_id", made(code, ('ID="_assertion-1" ', ""), assertion=None, response=STANDARD)
    yield "assertion_with_long_id", whole(code, ('ID="_assertion-1"', f'ID="_{"a" * 256}"'))
    yield (
        "long_in_response_to",
        altered(code, (f'{ACS}" InResponseTo="_request-1"', f'{ACS}" InResponseTo="{"a" * 257}"')),
    )
    yield "response_without_id", whole_altered("signature_misshapen", (' ID="_response-1"', ""))
    yield "encrypted_beside_plain", altered(code, ("<saml:Assertion ", "<saml:EncryptedAssertion/><saml:Assertion "))
    yield (
        "assertion_of_another_namespace",
        altered(code, ("</samlp:Response>", '<x:Assertion xmlns:x="urn:x"/></samlp:Response>')),
    )
    yield (
        "only_assertion_is_of_another_namespace",
        re_edited(code, "<saml:Assertion .*</saml:Assertion>", '<x:Assertion xmlns:x="urn:x" ID="a"/>'),
    )
    yield "no_assertion", re_edited(code, "<saml:Assertion .*</saml:Assertion>", "")
    yield "response_in_response", altered(code, (SUBJECT, "<samlp:Response/><saml:Subject>"))
    yield (
        "assertion_in_extensions",
        re_edited(code, "(<saml:Assertion .*</saml:Assertion>)", r"<samlp:Extensions>\1</samlp:Extensions>"),
    )
    yield "bare_assertion", Bad(code, bare_assertion)
    yield "logout_response", Bad(code, lambda: signed().replace("samlp:Response", "samlp:LogoutResponse"))
    yield "protocol_of_saml_1", Bad(code, lambda: signed().replace("SAML:2.0:protocol", "SAML:1.0:protocol"))
    yield (
        "encrypted_assertion",
        re_edited("assertion_encrypted", "<saml:Assertion .*</saml:Assertion>", "<saml:EncryptedAssertion/>"),
    )
    for name, head in {"response": RESPONSE_HEAD, "assertion": ASSERTION_HEAD}.items():
        yield f"{name}_of_saml_1", made(code, (head, head.replace("2.0", "1.1")))
        yield f"{name}_without_version", made(code, (head, head.replace(' Version="2.0"', "")))


def table() -> Iterator[tuple[str, Bad]]:
    for group in (markup, encodings, shapes):
        yield from group()
