"""What is read at all: one small plain document with one assertion in its place."""

import pytest

from orgs.providers.idp_settings import Setting
from sso.saml import prescreen
from sso.saml.errors import (
    MessageForbidden,
    MessageMisencoded,
    MessageMisshapen,
    MessageTooLarge,
    MessageUnreadable,
    StatusRefused,
)
from sso.saml.markup import MarkupForbidden, MarkupMisencoded, elements, parse
from sso.saml.status import refusal_of
from tests.sso.saml.messages import bad, field, good

SAMLP = 'xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"'
OPENING = f'<samlp:Response {SAMLP} xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">'
ASSERTION = '<saml:Assertion ID="a"/>'


def response(inner=ASSERTION):
    return f"{OPENING}{inner}</samlp:Response>".encode()


@pytest.mark.parametrize("fold", ["\n", "\r\n", " ", "\t"])
def test_decode_ignores_white_space_in_base64(fold):
    assert prescreen.decode(fold.join(field(b"<samlp:Response/>"))) == b"<samlp:Response/>"


@pytest.mark.parametrize("text", ["PHg", "PHg-", "PHg+PA==PHg+", "é", "%3C", "\ud800"])
def test_decode_refuses_text_that_is_not_base64(text):
    with pytest.raises(MessageUnreadable):
        prescreen.decode(text)


def test_decode_accepts_a_document_of_the_largest_size():
    largest = b"x" * prescreen.LARGEST_DOCUMENT
    assert prescreen.decode(field(largest)) == largest


def test_decode_refuses_a_document_one_byte_larger_than_the_largest_size():
    with pytest.raises(MessageTooLarge):
        prescreen.decode(field(b"x" * (prescreen.LARGEST_DOCUMENT + 1)))


def test_decode_refuses_a_too_long_field_of_white_space():
    with pytest.raises(MessageTooLarge):
        prescreen.decode(" " * (prescreen.LARGEST_FIELD + 1))


def test_response_with_the_most_elements_is_read():
    inner = ASSERTION + "<x/>" * (prescreen.MAX_ELEMENTS - 2)
    assert len(prescreen.read(response(inner))) == prescreen.MAX_ELEMENTS - 1


def test_response_with_one_element_too_many_is_refused():
    with pytest.raises(MessageTooLarge):
        prescreen.read(response(ASSERTION + "<x/>" * (prescreen.MAX_ELEMENTS - 1)))


STATEMENT = "<saml:AttributeStatement>{}</saml:AttributeStatement>"
PADDING = f"<x>{'a' * prescreen.COMMON_DOCUMENT}</x>"


def values(count, inner="", extra=""):
    value = f"<saml:AttributeValue{extra}>{inner}</saml:AttributeValue>"
    return STATEMENT.format(f'<saml:Attribute Name="groups">{value * count}</saml:Attribute>')


def within(inner):
    return response(f'<saml:Assertion ID="_a">{inner}</saml:Assertion>')


ALLOWED = {
    "as many values as there may be": values(5_099),
    "as many values as there may be beside others": "<x/>" * 400 + values(5_099),
    "others in a long message": PADDING + "<x/>" * 400,
}
REFUSED = {
    "one more": values(5_100),
    "others beside many values": "<x/>" * 600 + values(2_000),
    "values with elements inside": values(2_000, "<x/>"),
    "values with another attribute": values(2_100, extra=' x="y"'),
    "values elsewhere": "<saml:AttributeValue/>" * 2_100,
    "a statement further down": f"<x>{values(2_100)}</x>",
    "namespaces in scope": f"<x {' '.join(f'xmlns:n{place}={chr(34)}u{chr(34)}' for place in range(40))}/>"
    + values(2_100),
    "many others in a long message": PADDING + "<x/>" * 600,
    "many attributes in a long message": PADDING + "=" * 40_001,
    "many tags in a long message": PADDING + "<x/>" * 14_001,
    "many namespaces in a long message": PADDING + "xmlns" * 6_401,
}


@pytest.mark.parametrize("name", ALLOWED)
def test_long_message_is_read_when_it_is_nearly_all_values(name):
    assert prescreen.read_elements(within(ALLOWED[name]))


@pytest.mark.parametrize("name", REFUSED)
def test_long_message_is_too_large_when_it_holds_more_than_values(name):
    with pytest.raises(MessageTooLarge):
        prescreen.read_elements(within(REFUSED[name]))


def attributes(count):
    return " ".join(f'a{place}=""' for place in range(count))


def test_element_with_64_attributes_is_read():
    assert prescreen.read(response(f"{ASSERTION}<x {attributes(64)}/>")) is not None


def test_element_with_65_attributes_is_refused():
    with pytest.raises(MessageTooLarge):
        prescreen.read(response(f"{ASSERTION}<x {attributes(65)}/>"))


@pytest.mark.parametrize(("more", "is_read"), [(63, True), (64, False)])
def test_response_is_refused_beyond_four_attributes_per_element_on_average(more, is_read):
    # the ID of the assertion is one of the 8,000
    full = f"<x {attributes(64)}/>" * (prescreen.MAX_ELEMENTS * 4 // 64 - 1) + f"<x {attributes(more)}/>"
    try:
        found = prescreen.read(response(ASSERTION + full)) is not None
    except MessageTooLarge:
        found = False
    assert found is is_read


def namespaces(count):
    return " ".join(f'xmlns:n{place}="urn:n"' for place in range(count))


# two are declared above
@pytest.mark.parametrize("inner", [f"<x {namespaces(254)}/>", f"<x {namespaces(200)}><y {namespaces(54)}/></x>"])
def test_response_with_256_namespaces_in_scope_is_read(inner):
    assert prescreen.read(response(ASSERTION + inner)) is not None


@pytest.mark.parametrize("inner", [f"<x {namespaces(255)}/>", f"<x {namespaces(200)}><y {namespaces(55)}/></x>"])
def test_response_with_257_namespaces_in_scope_is_refused(inner):
    with pytest.raises(MessageTooLarge):
        prescreen.read(response(ASSERTION + inner))


def searched(count):
    """Return a message with 202 namespaces in scope of so many elements, each of which has an attribute."""
    return response(ASSERTION + f"<x {namespaces(200)}>" + '<y a="1"/>' * count + "</x>")


def test_response_that_costs_fewer_than_500000_searches_for_namespaces_is_read():
    assert prescreen.read(searched(1_237)) is not None


def test_response_that_costs_more_than_500000_searches_for_namespaces_is_refused():
    with pytest.raises(MessageTooLarge):
        prescreen.read(searched(1_238))


def test_response_with_many_namespaces_on_sibling_elements_is_read():
    assert prescreen.read(response(ASSERTION + f"<x {namespaces(200)}/>" * 19)) is not None


@pytest.mark.parametrize("encoding", ["UTF-8", "utf-8", "utf8", "US-ASCII", "ascii", "iso-8859-1"])
def test_declaration_of_a_compatible_encoding_is_accepted(encoding):
    assert prescreen.read(f"<?xml version='1.0' encoding='{encoding}'?>".encode() + response()) is not None


@pytest.mark.parametrize("encoding", ["UTF-7", "cp037", "", "utf-8x", "x-latin1", "utf-32", "iso-8859-12", "\xe9"])
def test_declaration_of_an_unsupported_encoding_is_refused_and_named(encoding):
    with pytest.raises(MessageMisencoded) as refused:
        prescreen.read(f"<?xml version='1.0' encoding='{encoding}'?>".encode() + response())
    assert refused.value.received


@pytest.mark.parametrize("encoding", ["iso-8859-1", "windows-1252", "latin1", "ISO_8859-15", "cp1252"])
def test_text_is_decoded_by_the_declared_encoding(encoding):
    text = response(f"{ASSERTION}<x>é</x>").decode()
    declared = f"<?xml version='1.0' encoding='{encoding}' standalone='yes'?>{text}".encode(encoding)
    assert prescreen.read(declared)[1].text == "é"


@pytest.mark.parametrize("declared", ["", "<?xml version='1.0'?>", "<?xml version='1.0' encoding='utf-16'?>"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_read_with_and_without_a_mark_and_a_declaration(encoding, declared):
    text = f"{declared}{response(f'{ASSERTION}<x>é</x>').decode()}"
    assert prescreen.read(text.encode(encoding))[1].text == "é"


@pytest.mark.parametrize("name", ["utf-16", "UTF-16", "unicode"])
def test_utf_8_that_is_declared_as_utf_16_is_read_as_utf_8(name):
    text = response(f"{ASSERTION}<x>é</x>").decode()
    assert prescreen.read(f"<?xml version='1.0' encoding='{name}'?>{text}".encode())[1].text == "é"


@pytest.mark.parametrize("before", ["\n", "\ufeff", "\r\n \t", "\ufeff\n", "\n\ufeff"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_white_space_and_byte_order_marks_before_the_declaration_are_ignored(before, encoding):
    text = f"{before}<?xml version='1.0' encoding='{encoding}'?>{response().decode()}"
    assert prescreen.read(text.encode(encoding)) is not None


@pytest.mark.parametrize("encoding", ["utf-32", "utf-32-le", "utf-32-be", "cp037"])
def test_document_in_another_encoding_than_declared_is_refused(encoding):
    with pytest.raises(MessageMisencoded):
        prescreen.read(f"<?xml version='1.0'?>{response().decode()}".encode(encoding))


def test_document_is_refused_when_its_utf_8_form_exceeds_the_largest_size():
    head, tail = f"<?xml version='1.0' encoding='latin1'?>{OPENING}{ASSERTION}<x>", "</x></samlp:Response>"
    room = prescreen.LARGEST_DOCUMENT - len(head.replace("latin1", "UTF-8") + tail)
    at_most = f"{head}{'é' * (room // 2 - 1)}{tail}".encode("latin1")
    assert prescreen.read(at_most) is not None
    with pytest.raises(MessageTooLarge):
        prescreen.read(f"{head}{'é' * (room // 2 + 1)}{tail}".encode("latin1"))


def test_parser_gets_the_utf_8_form_of_a_utf_16_document(monkeypatch):
    parsed = []
    monkeypatch.setattr(
        prescreen, "parse", lambda document, **given: parsed.append(document) or parse(document, **given)
    )
    prescreen.read(f"<?xml version='1.0' encoding='utf-16'?>{response().decode()}".encode("utf-16"))
    assert parsed == [b"<?xml version='1.0' encoding='UTF-8'?>" + response()]


@pytest.mark.parametrize(
    "document", ["<a/>".encode("utf-16"), b"<?xml version='1.0' encoding='iso-8859-1'?><a>\xe9</a>"]
)
def test_parser_takes_nothing_but_utf_8(document):
    with pytest.raises(MarkupMisencoded):
        parse(document)


def test_parser_refuses_a_doctype_that_the_text_search_missed(monkeypatch):
    monkeypatch.setattr("sso.saml.markup.DECLARATIONS", ())
    with pytest.raises(MarkupForbidden):
        parse(b"<!DOCTYPE a><a/>")


def test_parser_refuses_an_external_entity_without_resolving_it(monkeypatch):
    monkeypatch.setattr("sso.saml.markup.DECLARATIONS", ())
    with pytest.raises(MarkupForbidden):
        parse(b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>')


def test_elements_leaves_out_comments_when_they_are_allowed():
    nodes = elements(parse(b"<!-- --><a><!-- --><b/></a><!-- -->"), at_most=2, with_comments=True).every
    assert [node.tag for node in nodes] == ["a", "b"]


@pytest.mark.parametrize("document", [b"<a><?x y?></a>", b"<?x y?><a/>", b"<a/><?x y?>"])
def test_processing_instructions_are_refused_everywhere(document):
    with pytest.raises(MarkupForbidden):
        elements(parse(document), at_most=2, with_comments=True)


def test_comments_are_refused_in_responses():
    with pytest.raises(MessageForbidden):
        prescreen.read(response(f"{ASSERTION}<!-- -->"))


@pytest.mark.parametrize("ids", [("ID", "Id"), ("id", "iD"), ("ID", "xml:id"), ("xml:id", "Id")])
def test_response_with_one_id_twice_is_refused_in_any_spelling_of_the_attribute(ids):
    with pytest.raises(MessageMisshapen):
        prescreen.read(response(f'{ASSERTION}<x {ids[0]}="b"/><y {ids[1]}="b"/>'))


@pytest.mark.parametrize("identity", ["a", "a" * 256, "' or '1'='1", "#a", "é", "a b"])
def test_assertion_id_of_any_text_up_to_256_characters_is_accepted(identity):
    assert prescreen.assertion_of(prescreen.read(response(f'<saml:Assertion ID="{identity}"/>'))).get("ID") == identity


@pytest.mark.parametrize("wrong", ['ID=""', f'ID="{"a" * 257}"', 'id="a"', ""])
def test_assertion_with_a_missing_empty_or_too_long_id_is_refused(wrong):
    with pytest.raises(MessageMisshapen):
        prescreen.read(response(f"<saml:Assertion {wrong}/>"))


def test_response_element_of_another_namespace_is_refused():
    with pytest.raises(MessageMisshapen):
        prescreen.read(
            response().replace(b"<samlp:Response ", b'<x:Response xmlns:x="urn:x" ').replace(b"</samlp:", b"</x:")
        )


def test_in_response_to_of_256_characters_is_read():
    named = response().replace(b"<samlp:Response ", b'<samlp:Response InResponseTo="%s" ' % (b"a" * 256))
    assert len(prescreen.read(named).get("InResponseTo")) == 256


def test_assertion_not_directly_below_the_response_is_refused():
    with pytest.raises(MessageMisshapen):
        prescreen.assertion_of(parse(response(f"<x>{ASSERTION}</x>")))


def test_refused_status_shows_codes_and_message_of_the_idp():
    with pytest.raises(StatusRefused) as refused:
        prescreen.read(bad("failure_without_assertion"))
    assert refused.value.received == "Responder / RequestDenied: Not assigned"


def test_refused_status_shows_a_line_break_of_the_idp_as_a_space():
    with pytest.raises(StatusRefused) as refused:
        prescreen.read(bad("failure_of_entra_sign_in_failed"))
    assert refused.value.received == "Responder / AuthnFailed: AADSTS50105: No role. Trace ID: 1"


@pytest.mark.parametrize(
    ("codes", "setting"),
    [
        (["Responder", "InvalidNameIDPolicy"], Setting.NAME_ID),
        (["Responder", "Responder", "AuthnFailed"], Setting.ASSIGNMENT),
        (["Requester", "RequestDenied"], Setting.ASSIGNMENT),
        (["Requester", "of.the.vendor"], Setting.REQUEST),
        (["Responder", "of.the.vendor"], Setting.NOTHING),
        (["Responder"], Setting.NOTHING),
        (["", ""], Setting.NOTHING),
        (["RequestDenied"], Setting.NOTHING),
    ],
)
def test_refused_status_points_at_the_setting_of_its_most_specific_code(codes, setting):
    assert refusal_of([f"urn:oasis:names:tc:SAML:2.0:status:{code}" for code in codes], []).setting is setting


def test_refused_status_without_a_message_shows_the_code_only():
    status = (
        '<samlp:Status><samlp:StatusCode Value="no"/><samlp:StatusMessage><x/></samlp:StatusMessage></samlp:Status>'
    )
    with pytest.raises(StatusRefused) as refused:
        prescreen.read(response(status))
    assert refused.value.received == "no: "


def test_success_without_an_assertion_is_refused_as_misshapen():
    status = '<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>'
    with pytest.raises(MessageMisshapen):
        prescreen.read(response(status))


def test_a_genuine_message_is_read():
    assert prescreen.read(good("entra_assertion")).tag.endswith("}Response")


def test_read_canonical_returns_the_root():
    assert prescreen.read_canonical(b'<a b="&lt;!-- ">&lt;?c</a>').tag == "a"


@pytest.mark.parametrize(
    ("document", "error"),
    [
        (b"<a><!-- --></a>", MessageForbidden),
        (b"<a><?b?></a>", MessageForbidden),
        (b"<!DOCTYPE a><a/>", MessageForbidden),
        (b"<a", MessageUnreadable),
        (b"<a>" + b'<b xmlns="urn:b"/>' * 4_001 + b"</a>", MessageTooLarge),
    ],
)
def test_read_canonical_refuses_what_no_canonicalizer_writes_of_a_message(document, error):
    with pytest.raises(error):
        prescreen.read_canonical(document)
