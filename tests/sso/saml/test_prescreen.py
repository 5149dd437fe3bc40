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
def test_blanks_in_base64_are_left_out(fold):
    assert prescreen.decode(fold.join(field(b"<samlp:Response/>"))) == b"<samlp:Response/>"


@pytest.mark.parametrize("text", ["PHg", "PHg-", "PHg+PA==PHg+", "é", "%3C", "\ud800"])
def test_other_texts_are_not_base64(text):
    with pytest.raises(MessageUnreadable):
        prescreen.decode(text)


def test_a_document_of_just_the_largest_size_is_decoded():
    largest = b"x" * prescreen.LARGEST_DOCUMENT
    assert prescreen.decode(field(largest)) == largest


def test_a_document_of_a_byte_more_is_too_large():
    with pytest.raises(MessageTooLarge):
        prescreen.decode(field(b"x" * (prescreen.LARGEST_DOCUMENT + 1)))


def test_a_field_of_blanks_is_measured_before_it_is_read():
    with pytest.raises(MessageTooLarge):
        prescreen.decode(" " * (prescreen.LARGEST_FIELD + 1))


def test_as_many_elements_as_are_allowed_are_read():
    inner = ASSERTION + "<x/>" * (prescreen.MAX_ELEMENTS - 2)
    assert len(prescreen.read(response(inner))) == prescreen.MAX_ELEMENTS - 1


def test_an_element_more_is_too_many():
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


def test_an_element_may_have_sixty_four_attributes():
    assert prescreen.read(response(f"{ASSERTION}<x {attributes(64)}/>")) is not None


def test_an_element_may_not_have_sixty_five():
    with pytest.raises(MessageTooLarge):
        prescreen.read(response(f"{ASSERTION}<x {attributes(65)}/>"))


@pytest.mark.parametrize(("more", "is_read"), [(63, True), (64, False)])
def test_elements_may_have_four_attributes_each_on_average(more, is_read):
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
def test_two_hundred_and_fifty_six_namespaces_may_be_in_scope(inner):
    assert prescreen.read(response(ASSERTION + inner)) is not None


@pytest.mark.parametrize("inner", [f"<x {namespaces(255)}/>", f"<x {namespaces(200)}><y {namespaces(55)}/></x>"])
def test_one_more_may_not_be_in_scope(inner):
    with pytest.raises(MessageTooLarge):
        prescreen.read(response(ASSERTION + inner))


def test_namespaces_side_by_side_are_as_many_as_are_needed():
    assert prescreen.read(response(ASSERTION + f"<x {namespaces(200)}/>" * 19)) is not None


@pytest.mark.parametrize("encoding", ["UTF-8", "utf-8", "utf8", "US-ASCII", "ascii", "iso-8859-1"])
def test_a_declaration_may_name_what_is_read(encoding):
    assert prescreen.read(f"<?xml version='1.0' encoding='{encoding}'?>".encode() + response()) is not None


@pytest.mark.parametrize("encoding", ["UTF-7", "cp037", "", "utf-8x", "x-latin1", "utf-32", "iso-8859-12", "\xe9"])
def test_a_declaration_of_another_encoding_is_refused_by_its_name(encoding):
    with pytest.raises(MessageMisencoded) as refused:
        prescreen.read(f"<?xml version='1.0' encoding='{encoding}'?>".encode() + response())
    assert refused.value.received


@pytest.mark.parametrize("encoding", ["iso-8859-1", "windows-1252", "latin1", "ISO_8859-15", "cp1252"])
def test_letters_are_read_in_the_encoding_that_is_declared(encoding):
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
def test_blanks_and_marks_before_a_declaration_are_left_out(before, encoding):
    text = f"{before}<?xml version='1.0' encoding='{encoding}'?>{response().decode()}"
    assert prescreen.read(text.encode(encoding)) is not None


@pytest.mark.parametrize("encoding", ["utf-32", "utf-32-le", "utf-32-be", "cp037"])
def test_other_encodings_are_not_guessed(encoding):
    with pytest.raises(MessageMisencoded):
        prescreen.read(f"<?xml version='1.0'?>{response().decode()}".encode(encoding))


def test_a_document_that_grows_beyond_the_largest_size_is_too_large():
    head, tail = f"<?xml version='1.0' encoding='latin1'?>{OPENING}{ASSERTION}<x>", "</x></samlp:Response>"
    room = prescreen.LARGEST_DOCUMENT - len(head.replace("latin1", "UTF-8") + tail)
    at_most = f"{head}{'é' * (room // 2 - 1)}{tail}".encode("latin1")
    assert prescreen.read(at_most) is not None
    with pytest.raises(MessageTooLarge):
        prescreen.read(f"{head}{'é' * (room // 2 + 1)}{tail}".encode("latin1"))


def test_what_is_verified_are_the_bytes_that_are_read(monkeypatch):
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


def test_a_doctype_that_is_spelt_otherwise_is_found_by_the_parser(monkeypatch):
    monkeypatch.setattr("sso.saml.markup.DECLARATIONS", ())
    with pytest.raises(MarkupForbidden):
        parse(b"<!DOCTYPE a><a/>")


def test_an_entity_is_never_resolved(monkeypatch):
    monkeypatch.setattr("sso.saml.markup.DECLARATIONS", ())
    with pytest.raises(MarkupForbidden):
        parse(b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>')


def test_comments_are_left_out_where_they_are_allowed():
    nodes = elements(parse(b"<!-- --><a><!-- --><b/></a><!-- -->"), at_most=2, with_comments=True)
    assert [node.tag for node in nodes] == ["a", "b"]


@pytest.mark.parametrize("document", [b"<a><?x y?></a>", b"<?x y?><a/>", b"<a/><?x y?>"])
def test_instructions_are_allowed_nowhere(document):
    with pytest.raises(MarkupForbidden):
        elements(parse(document), at_most=2, with_comments=True)


def test_comments_are_refused_in_responses():
    with pytest.raises(MessageForbidden):
        prescreen.read(response(f"{ASSERTION}<!-- -->"))


@pytest.mark.parametrize("ids", [("ID", "Id"), ("id", "iD"), ("ID", "xml:id"), ("xml:id", "Id")])
def test_an_id_is_unique_however_it_is_spelt(ids):
    with pytest.raises(MessageMisshapen):
        prescreen.read(response(f'{ASSERTION}<x {ids[0]}="b"/><y {ids[1]}="b"/>'))


@pytest.mark.parametrize("identity", ["a", "a" * 256, "' or '1'='1", "#a", "é", "a b"])
def test_any_id_of_up_to_256_characters_is_just_a_text(identity):
    assert prescreen.assertion_of(prescreen.read(response(f'<saml:Assertion ID="{identity}"/>'))).get("ID") == identity


@pytest.mark.parametrize("wrong", ['ID=""', f'ID="{"a" * 257}"', 'id="a"', ""])
def test_an_assertion_without_such_an_id_is_refused(wrong):
    with pytest.raises(MessageMisshapen):
        prescreen.read(response(f"<saml:Assertion {wrong}/>"))


def test_a_response_of_another_namespace_is_refused_whatever_it_holds():
    with pytest.raises(MessageMisshapen):
        prescreen.read(
            response().replace(b"<samlp:Response ", b'<x:Response xmlns:x="urn:x" ').replace(b"</samlp:", b"</x:")
        )


def test_a_request_may_be_named_by_256_characters():
    named = response().replace(b"<samlp:Response ", b'<samlp:Response InResponseTo="%s" ' % (b"a" * 256))
    assert len(prescreen.read(named).get("InResponseTo")) == 256


def test_an_assertion_is_looked_for_directly_below():
    with pytest.raises(MessageMisshapen):
        prescreen.assertion_of(parse(response(f"<x>{ASSERTION}</x>")))


def test_a_refusal_says_what_the_idp_says():
    with pytest.raises(StatusRefused) as refused:
        prescreen.read(bad("failure_without_assertion"))
    assert refused.value.received == "Responder / RequestDenied: Not assigned"


def test_a_line_break_in_what_the_idp_says_is_a_space():
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
def test_a_failure_points_at_the_setting_of_its_most_telling_code(codes, setting):
    assert refusal_of([f"urn:oasis:names:tc:SAML:2.0:status:{code}" for code in codes], []).setting is setting


def test_a_refusal_without_words_is_a_refusal():
    status = (
        '<samlp:Status><samlp:StatusCode Value="no"/><samlp:StatusMessage><x/></samlp:StatusMessage></samlp:Status>'
    )
    with pytest.raises(StatusRefused) as refused:
        prescreen.read(response(status))
    assert refused.value.received == "no: "


def test_success_without_an_assertion_is_misshapen():
    status = '<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>'
    with pytest.raises(MessageMisshapen):
        prescreen.read(response(status))


def test_a_genuine_message_is_read():
    assert prescreen.read(good("entra_assertion")).tag.endswith("}Response")
