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


def side_by_side(length: int) -> str:
    """Elements that each have to declare one long namespace when they are canonicalised."""
    return f'<p xmlns:x="urn:{"x" * length}">{"<x:y/>" * 1_900}</p>'


def side_by_side_attributes() -> str:
    declared = " ".join(f'xmlns:n{place}="urn:{place}{"x" * 300}"' for place in range(60))
    used = " ".join(f'n{place}:a=""' for place in range(60))
    return f"<p {declared}>{f'<y {used}/>' * 300}</p>"


# eight prefixes declared on the response, and below it elements that each make the library look for all of them
SEARCHING = Style(transforms=ENVELOPED + canonical_with(" ".join(f"p{place}" for place in range(8))))


def searched() -> str:
    """An IdP of ill will signs what its own prefix list makes costly."""
    heavy = f"<p {namespaces(3_500)}>{'<y/>' * 1_900}</p>"
    declared = " ".join(f'xmlns:p{place}="urn:p"' for place in range(8))
    text = edited(unsigned(), ((RESPONSE, f"{RESPONSE}{declared} "), (SUBJECT, f"{heavy}{SUBJECT}")))
    return field(sign(text, SEARCHING))


def searched_from_below() -> str:
    """The same within the limits: sixteen prefixes, looked for up two hundred elements, by each of 1,700 elements."""
    listed = [f"q{place}" for place in range(16)]
    declared = " ".join(f'xmlns:{prefix}="urn:q"' for prefix in listed)
    heavy = nested(200, lambda place: f'xmlns:n{place}="urn:n"', "<y/>" * 1_700)
    edits = (
        (SUBJECT, f"{heavy}{SUBJECT}"),
        (RESPONSE, f"{RESPONSE}{declared} "),
        ("</saml:NameID>", " \n</saml:NameID>"),
    )
    return field(sign(edited(unsigned(), edits), Style(transforms=ENVELOPED + canonical_with(" ".join(listed)))))


def many_groups(count: int, *edits: tuple[str, str]) -> str:
    """Return the field of a message, signed twice, about somebody who is in many groups."""
    values = "".join(flavours.value(f"group-{place:04}", kind="string") for place in range(count))
    many = f'<saml:Attribute Name="groups">{values}</saml:Attribute></saml:AttributeStatement>'
    return field(sign(edited(unsigned(), (("</saml:AttributeStatement>", many), *edits)), STANDARD, STANDARD))


def both_heavy() -> str:
    """Well signed twice, within every limit, and refused by the last check of all."""
    return many_groups(1_100, ("</saml:NameID>", " \n</saml:NameID>"))


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
    "field_of_600_kb": ("message_too_large", lambda: "A" * 600_000),
    "field_of_blanks": ("message_unreadable", lambda: " " * 500_000),
    "field_of_300_kb_with_blanks": ("message_unreadable", lambda: "A " * 250_000),
    "document_of_300_kb": beside("message_too_large", lambda: padded(300_000)),
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
    "namespaces_3900": within("signature_invalid", lambda: f"<x {namespaces(3_900)}/>"),
    "namespaces_on_root": ("signature_misshapen", on_root(lambda: namespaces(3_900))),
    "namespaces_nested": within("signature_invalid", lambda: nested(200, lambda place: namespaces(15), "<y/>" * 1_500)),
    "namespaces_in_signed_info": ("signature_misshapen", in_signed_info(lambda: namespaces(3_900))),
    "long_namespace_of_many": within("message_too_large", lambda: side_by_side(100_000)),
    "middling_namespace_of_many": within("signature_invalid", lambda: side_by_side(200)),
    "long_namespaces_of_attributes": within("message_too_large", side_by_side_attributes),
    "long_name": within("signature_invalid", lambda: f"<{'x' * 45_000}/>" * 5),
    "prefixes_searched": ("signature_misshapen", searched),
    "prefixes_searched_from_below": ("subject_missing", searched_from_below),
    "nested_200": within("signature_invalid", lambda: nested(200, lambda place: "")),
    "nested_20000": beside("message_unreadable", lambda: nested(20_000, lambda place: "")),
    "nested_and_not_closed": beside("message_unreadable", lambda: "<x>" * 60_000),
    "entity_bomb_in_utf16": ("message_unreadable", utf16_bomb),
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
