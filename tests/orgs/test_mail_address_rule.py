"""What is an e-mail address: one table for everything that asks (RFC 5321 §4.1.2, RFC 5322 §3.4.1, RFC 5891)."""

import pytest

from orgs.base.addresses import is_mail_address

LABEL_63, LOCAL_64 = "d" * 63, "l" * 64
# 64 + @ + 189 are 254
DOMAIN_189 = f"{'d' * 60}.{'e' * 60}.{'f' * 59}.example"
ADDRESSES = {
    "short": "a@b.cc",
    "plus and apostrophe": "o'neil+tag@sub.acme.example",
    "every sign of an atom": "!#$%&'*+-/=?^_`{|}~@acme.example",
    "dots between": "a.b.c@acme.example",
    "digits": "007@4711.example",
    "capitals": "Nora@ACME.Example",
    "domain in its ASCII form": "nora@xn--kme-0na.example",
    "top-level domain in its ASCII form": "nora@acme.xn--p1ai",
    "hyphens within a label": "nora@a-c-m-e.example",
    "local part of 64": f"{LOCAL_64}@acme.example",
    "label of 63": f"nora@{LABEL_63}.example",
    "254 in all": f"{LOCAL_64}@{DOMAIN_189}",
}
INTERNATIONAL = {
    "letters of one script": "nora@ækme.example",
    "sharp s": "nora@straße.example",
    "another script": "nora@почта.рф",
    "fullwidth letters": "nora@ＡＣＭＥ.example",
    "ideographic full stop": "nora@acme。example",
}
OTHER_TEXT = {
    "nothing": "",
    "a name": "nora",
    "no domain": "nora@",
    "no local part": "@acme.example",
    "an at sign": "@",
    "two at signs": "a@b@acme.example",
    "two addresses": "a@acme.example,b@acme.example",
    "one label": "nora@acme",
    "this machine": "nora@localhost",
    "Windows account": r"CORP\nora",
    "Windows account with a domain": r"CORP\k@x",
    "Windows account that has one as well": r"CORP\nora@acme.example",
    "quoted local part": '"nora"@acme.example',
    "quoted local part with a space": '"nora n"@acme.example',
    "quoted at sign": '"a@b"@acme.example',
    "comment before": "(work)nora@acme.example",
    "comment behind": "nora@acme.example(work)",
    "comment within": "nora(work)@acme.example",
    "name and angle brackets": "Nora <nora@acme.example>",
    "angle brackets": "<nora@acme.example>",
    "link": "mailto:nora@acme.example",
    "dot first": ".nora@acme.example",
    "dot last": "nora.@acme.example",
    "two dots": "a..b@acme.example",
    "trailing dot": "nora@acme.example.",
    "trailing ideographic full stop": "nora@acme.example。",
    "dot before the domain": "nora@.acme.example",
    "two dots in the domain": "nora@acme..example",
    "hyphen before a label": "nora@-acme.example",
    "hyphen behind a label": "nora@acme-.example",
    "underscore in the domain": "nora@ac_me.example",
    "number": "nora@127.0.0.1",
    "literal": "nora@[127.0.0.1]",
    "literal of IPv6": "nora@[IPv6:::1]",
    "port": "nora@acme.example:25",
    "path": "nora@acme.example/x",
    "top-level domain of one letter": "nora@acme.e",
    "top-level domain with a digit": "nora@acme.e1",
    "false ASCII form": "a@xn--a.example",
    "space before": " nora@acme.example",
    "space behind": "nora@acme.example ",
    "space in the local part": "a b@acme.example",
    "space before the domain": "nora@ acme.example",
    "space in the domain": "nora@ac me.example",
    "no-break space behind": "nora@acme.example\N{NO-BREAK SPACE}",
    "em space before": "\N{EM SPACE}nora@acme.example",
    "line break behind": "nora@acme.example\n",
    "line break within": "nora@acme.example\nb@evil.example",
    "null": "nora\0@acme.example",
    "null in the domain": "nora@acme\0.example",
    "international local part": "zoë@acme.example",
    "Kelvin sign": "ni\N{KELVIN SIGN}a@acme.example",
    "long s": "\N{LATIN SMALL LETTER LONG S}am@acme.example",
    "dotless i": "n\N{LATIN SMALL LETTER DOTLESS I}ka@acme.example",
    "fullwidth at sign": "nora\N{FULLWIDTH COMMERCIAL AT}acme.example",
    "unpaired surrogate": "nora@ac\ud800me.example",
    "local part of 65": f"{LOCAL_64}l@acme.example",
    "label of 64": f"nora@{LABEL_63}d.example",
    "a million of letters": f"nora@{'d' * 1_000_000}.example",
    "255 in all": f"{LOCAL_64}@d{DOMAIN_189}",
    "255 in all in the ASCII form": f"{LOCAL_64}@{DOMAIN_189.replace('e' * 60, 'ß' + 'e' * 54)}",
}


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in (ADDRESSES | INTERNATIONAL).items()])
def test_is_mail_address_is_true_for_an_address(text):
    assert is_mail_address(text)


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in OTHER_TEXT.items()])
def test_is_mail_address_is_false_for_other_text(text):
    assert not is_mail_address(text)


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in ADDRESSES.items()])
def test_is_mail_address_in_ascii_only_is_true_for_an_address_in_ascii(text):
    assert is_mail_address(text, is_ascii_only=True)


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in (INTERNATIONAL | OTHER_TEXT).items()])
def test_is_mail_address_in_ascii_only_is_false_for_all_else(text):
    assert not is_mail_address(text, is_ascii_only=True)
