"""Messages that mean to cost the server time or memory. They are made when they are needed: on disk they'd be large."""

import base64
import zlib
from collections.abc import Callable
from itertools import islice, product

from tests.vectors.saml import flavours
from tests.vectors.saml.defects import SUBJECT, edited, signed, unsigned
from tests.vectors.saml.signing import DSIG, ENVELOPED, MORE, STANDARD, Style, canonical_with, sign

RESPONSE = "<samlp:Response "
STATUS = "<samlp:Status>"
LARGEST = 256 * 1024
Hostile = tuple[str, Callable[[], str]]


def field(document: str | bytes) -> str:
    """Return the form field that carries this document."""
    return base64.b64encode(document.encode() if isinstance(document, str) else document).decode("ascii")


def beside(code: str, extra: Callable[[], str]) -> Hostile:
    """A well signed assertion, with this in the response around it."""
    return code, lambda: field(edited(signed(), ((STATUS, f"{extra()}{STATUS}"),)))


def within(code: str, extra: Callable[[], str]) -> Hostile:
    """A well signed assertion, into which this was put afterwards: its SignedInfo still verifies."""
    return code, lambda: field(edited(signed(), ((SUBJECT, f"{extra()}{SUBJECT}"),)))


def namespaces(count: int, *, distinct: bool = True) -> str:
    return " ".join(f'xmlns:n{place if distinct else 0}="urn:{place}"' for place in range(count))


def nested(count: int, opening: Callable[[int], str], inner: str = "") -> str:
    return "".join(f"<x {opening(place)}>" for place in range(count)) + inner + "</x>" * count


def attributes(count: int) -> str:
    return " ".join(f'a{place}=""' for place in range(count))


def short_attributes(count: int) -> str:
    """Return as many attributes as there is room for."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    names = ("".join(name) for name in product(letters, repeat=3))
    return " ".join(f'{name}=""' for name in islice(names, count))


def on_root(extra: Callable[[], str]) -> Callable[[], str]:
    return lambda: field(edited(signed(), ((RESPONSE, f"{RESPONSE}{extra()} "),)))


def in_signed_info(extra: Callable[[], str]) -> Callable[[], str]:
    return lambda: field(edited(signed(), (("<ds:SignedInfo>", f"<ds:SignedInfo {extra()}>"),)))


def padded(size: int) -> str:
    return f"<x>{'a' * size}</x>"


def utf16_bomb() -> str:
    entities = f'<!DOCTYPE r [<!ENTITY x "{"y" * 10_000}">]>'
    return field(f'<?xml version="1.0" encoding="utf-16"?>{entities}<r a="{"&x;" * 10_000}"/>'.encode("utf-16"))


def in_latin_1(letters: int) -> bytes:
    """Return a message each of whose letters, put in later, takes twice the room in UTF-8."""
    text = edited(signed(), ((SUBJECT, f"<x>{'é' * letters}</x>{SUBJECT}"),))
    return f'<?xml version="1.0" encoding="iso-8859-1"?>{text}'.encode("iso-8859-1")


def side_by_side(length: int) -> str:
    """Elements that each have to declare one long namespace when they are canonicalised."""
    return f'<p xmlns:x="urn:{"x" * length}">{"<x:y/>" * 1_900}</p>'


def side_by_side_attributes() -> str:
    declared = " ".join(f'xmlns:n{place}="urn:{place}{"x" * 300}"' for place in range(60))
    used = " ".join(f'n{place}:a=""' for place in range(60))
    return f"<p {declared}>{f'<y {used}/>' * 300}</p>"


# refused by the last check of all
UNPRINTABLE = ("uma@acme.example</saml:NameID>", "uma\t@acme.example</saml:NameID>")
STRANGE = Style(transforms=ENVELOPED + canonical_with("z1 z2"))


def searching(levels: int, each: int, leaves: int, plain: int) -> str:
    """Return elements whose attributes' namespaces are in use far above, and are looked for from below."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    prefixes = ["".join(name) for name in islice(product(letters, repeat=3), levels * each)]
    opening = [
        " ".join(f'xmlns:{prefix}="u:{prefix}" {prefix}:x=""' for prefix in prefixes[place * each :][:each])
        for place in range(levels)
    ]
    leaf = " ".join(f'{prefix}:x=""' for prefix in prefixes[:62])
    return nested(levels, lambda place: opening[place], f"<y {leaf}/>" * leaves + "<z/>" * plain)


def signed_twice(extra: Callable[[], str], style: Style = STANDARD) -> Callable[[], str]:
    """An IdP of ill will signs all of this, the assertion and the response around it."""
    return lambda: field(sign(edited(unsigned(), ((SUBJECT, f"{extra()}{SUBJECT}"), UNPRINTABLE)), style, style))


def searched_prefixes(count: int, depth: int, leaves: int) -> str:
    """Return what is signed with a prefix list that each of many elements makes the library look for."""
    listed = [f"q{place}" for place in range(count)]
    declared = " ".join(f'xmlns:{prefix}="urn:q"' for prefix in listed)
    heavy = nested(depth, lambda place: f'xmlns:n{place}="urn:n"', "<y/>" * leaves)
    edits = ((SUBJECT, f"{heavy}{SUBJECT}"), (RESPONSE, f"{RESPONSE}{declared} "), UNPRINTABLE)
    style = Style(transforms=ENVELOPED + canonical_with(" ".join(listed)))
    return field(sign(edited(unsigned(), edits), style, style))


def many_groups(count: int, *edits: tuple[str, str], style: Style = STANDARD) -> str:
    """Return the field of a message, signed twice, about somebody who is in many groups."""
    values = "".join(flavours.value(f"group-{place:04}", kind="string") for place in range(count))
    many = f'<saml:Attribute Name="groups">{values}</saml:Attribute></saml:AttributeStatement>'
    return field(sign(edited(unsigned(), (("</saml:AttributeStatement>", many), *edits)), STANDARD, STANDARD))


def heavy_values(count: int, *, levels: int = 0, declared: int = 0, style: Style = STANDARD) -> str:
    """Return a message, signed twice by an IdP of ill will, of so many values, refused by the last check of all."""
    values = "".join(f"<saml:AttributeValue>{place:060}</saml:AttributeValue>" for place in range(count))
    statement = (
        f'<saml:AttributeStatement><saml:Attribute Name="groups">{values}</saml:Attribute></saml:AttributeStatement>'
    )
    deep = f"<x>{nested(levels, lambda place: '', statement)}</x>" if levels else statement
    names = f"{RESPONSE}{namespaces(declared)} " if declared else RESPONSE
    edits = (("<saml:AttributeStatement>", f"{deep}<saml:AttributeStatement>"), (RESPONSE, names), UNPRINTABLE)
    return field(sign(edited(unsigned(), edits), style, style))


def single_values(count: int, *edits: tuple[str, str]) -> str:
    """Return the field of a message of an IdP that makes an attribute of each group, as Keycloak does by default."""
    one = (
        '<saml:Attribute Name="Role" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic">'
        f"{flavours.value('a-group', kind='string')}</saml:Attribute>"
    )
    many = f"{one * count}</saml:AttributeStatement>"
    return field(sign(edited(unsigned(), (("</saml:AttributeStatement>", many), *edits)), STANDARD, STANDARD))


def both_heavy() -> str:
    """Well signed twice, within every limit, and refused by the last check of all."""
    return many_groups(1_100, UNPRINTABLE)


def listed_groups() -> str:
    """The same with every prefix listed: what an IdP of many groups may send in good faith, if it weren't for the name."""
    listed = canonical_with("#default saml samlp ds xs xsi xenc md")
    return many_groups(1_000, UNPRINTABLE, style=Style(transforms=ENVELOPED + listed))


def unsigned_values() -> str:
    return "<ds:SignatureValue>" + "A" * 200_000


HOSTILE: dict[str, Hostile] = {
    "empty": ("message_unreadable", lambda: ""),
    "blank": ("message_unreadable", lambda: " \r\n"),
    "not_base64": ("message_unreadable", lambda: "<samlp:Response/>"),
    "base64_of_urls": ("message_unreadable", lambda: "PHg-Pz8_"),
    "base64_without_padding": ("message_unreadable", lambda: field(signed()).rstrip("=") + "A"),
    "not_ascii": ("message_unreadable", lambda: "é" * 4_000),
    "surrogate": ("message_unreadable", lambda: "\ud800"),
    "html": ("message_unreadable", lambda: field("<html><body><p>Sign in<br></body></html>")),
    "deflated": ("message_unreadable", lambda: field(zlib.compress(signed().encode())[2:-4])),
    "field_of_1200_kb": ("message_too_large", lambda: "A" * 1_200_000),
    "field_of_blanks": ("message_unreadable", lambda: " " * 1_000_000),
    "field_of_500_kb_with_blanks": ("message_unreadable", lambda: "A " * 500_000),
    "document_of_800_kb": beside("message_too_large", lambda: padded(800_000)),
    "text_of_600_kb": within("signature_invalid", lambda: padded(600_000)),
    "elements_150000": beside("message_too_large", lambda: "<x/>" * 150_000),
    "tags_in_600_kb": within("message_too_large", lambda: padded(500_000) + "<x/>" * 13_000),
    "comments_in_600_kb": beside("message_forbidden_markup", lambda: padded(500_000) + "<!---->" * 13_000),
    "elements_600_in_600_kb": within("message_too_large", lambda: padded(500_000) + "<x/>" * 600),
    "values_5000": ("subject_missing", lambda: heavy_values(5_000)),
    "values_7000": ("message_too_large", lambda: heavy_values(7_000)),
    "values_below_many_levels": ("message_too_large", lambda: heavy_values(4_000, levels=200)),
    "values_with_many_in_scope": ("message_too_large", lambda: heavy_values(4_000, declared=40)),
    "values_with_prefixes": ("subject_missing", lambda: heavy_values(5_000, declared=16, style=STRANGE)),
    "values_of_many_attributes": ("subject_missing", lambda: single_values(2_500, UNPRINTABLE)),
    "namespaces_6300_in_600_kb": within("message_too_large", lambda: padded(400_000) + f"<x {namespaces(6_300)}/>"),
    "attributes_in_600_kb": within("message_too_large", lambda: f"<x {short_attributes(80_000)}/>"),
    "signature_value_of_600_kb": (
        "signature_invalid",
        lambda: field(signed().replace("<ds:SignatureValue>", "<ds:SignatureValue>" + "A" * 600_000)),
    ),
    "text_of_240_kb": within("signature_invalid", lambda: padded(240_000)),
    "line_ends_of_240_kb": within("signature_invalid", lambda: padded(10).replace("a", "&#13;" * 4_800)),
    "elements_3000": beside("message_too_large", lambda: "<x/>" * 3_000),
    "elements_60000": beside("message_too_large", lambda: "<x/>" * 60_000),
    "comments_30000": beside("message_forbidden_markup", lambda: "<!---->" * 30_000),
    "instructions_40000": beside("message_forbidden_markup", lambda: "<?x?>" * 40_000),
    "cdata_20000": within("signature_invalid", lambda: f"<x>{'<![CDATA[]]>' * 20_000}</x>"),
    "attributes_20000": beside("message_too_large", lambda: f"<x {attributes(20_000)}/>"),
    "attributes_on_root": ("message_too_large", on_root(lambda: attributes(20_000))),
    "attributes_34000": beside("message_too_large", lambda: f"<x {short_attributes(34_000)}/>"),
    "attributes_50000": beside("message_too_large", lambda: f"<x {short_attributes(50_000)}/>"),
    "namespaces_5000": beside("message_too_large", lambda: f"<x {namespaces(5_000)}/>"),
    "namespaces_3900": within("message_too_large", lambda: f"<x {namespaces(3_900)}/>"),
    "namespaces_on_root": ("message_too_large", on_root(lambda: namespaces(3_900))),
    "namespaces_nested": within("message_too_large", lambda: nested(200, lambda place: namespaces(15), "<y/>" * 1_500)),
    "namespaces_nested_240": within(
        "signature_invalid", lambda: nested(240, lambda place: namespaces(1), "<y/>" * 1_700)
    ),
    "namespaces_nested_twice": (
        "subject_missing",
        signed_twice(lambda: nested(24, lambda place: namespaces(10), "<y/>" * 1_900)),
    ),
    "namespaces_in_signed_info": ("message_too_large", in_signed_info(lambda: namespaces(3_900))),
    "long_namespace_of_many": within("message_too_large", lambda: side_by_side(100_000)),
    "middling_namespace_of_many": within("signature_invalid", lambda: side_by_side(200)),
    "long_namespaces_of_attributes": within("message_too_large", side_by_side_attributes),
    "long_name": within("signature_invalid", lambda: f"<{'x' * 45_000}/>" * 5),
    "attributes_searched": within("message_too_large", lambda: searching(120, 2, 116, 1_600)),
    "attributes_searched_twice": ("message_too_large", signed_twice(lambda: searching(120, 2, 116, 1_600))),
    "attributes_searched_with_prefixes": (
        "message_too_large",
        signed_twice(lambda: searching(120, 2, 116, 1_600), STRANGE),
    ),
    # 490,000 times, of the 500,000 that are allowed
    "attributes_searched_within_bounds": within("signature_invalid", lambda: searching(120, 2, 25, 290)),
    "attributes_searched_within_bounds_twice": (
        "subject_missing",
        signed_twice(lambda: searching(120, 2, 25, 290)),
    ),
    "attributes_searched_within_bounds_with_prefixes": (
        "subject_missing",
        signed_twice(lambda: searching(120, 2, 25, 290), STRANGE),
    ),
    "attributes_searched_too_often": within("message_too_large", lambda: searching(20, 10, 300, 1_400)),
    "attributes_searched_too_high": within("message_too_large", lambda: searching(120, 15, 100, 800)),
    "prefixes_searched": ("subject_missing", lambda: searched_prefixes(16, 20, 1_600)),
    "prefixes_searched_too_often": ("signature_misshapen", lambda: searched_prefixes(16, 200, 1_700)),
    "prefixes_of_many_groups": ("subject_missing", listed_groups),
    "nested_200": within("signature_invalid", lambda: nested(200, lambda place: "")),
    "nested_20000": beside("message_unreadable", lambda: nested(20_000, lambda place: "")),
    "nested_and_not_closed": beside("message_unreadable", lambda: "<x>" * 60_000),
    "entity_bomb_in_utf16": ("message_forbidden_markup", utf16_bomb),
    "latin_1_that_grows": ("message_too_large", lambda: field(in_latin_1(500_000))),
    "latin_1_of_240_kb": ("signature_invalid", lambda: field(in_latin_1(100_000))),
    "blanks_before_the_declaration": ("message_unreadable", lambda: field(" \ufeff" * 60_000)),
    "declarations_unclosed": ("message_unreadable", lambda: field(f"<?xml {'encoding ' * 28_000}")),
    "xmlns_in_text": beside("message_too_large", lambda: f"<x>{'xmlns' * 40_000}</x>"),
    "signatures_1900": beside("signature_misshapen", lambda: f'<ds:Signature xmlns:ds="{DSIG}"/>' * 1_900),
    "ids_1900": within("message_misshapen", lambda: '<x ID="a" Id="b" id="c" iD="d"/>' * 1_900),
    "long_algorithm": ("signature_algorithm", lambda: field(signed().replace(f"{MORE}rsa", "r" * 200_000))),
    "long_signature_value": (
        "signature_invalid",
        lambda: field(signed().replace("<ds:SignatureValue>", unsigned_values())),
    ),
    "long_everything": ("subject_missing", both_heavy),
}
