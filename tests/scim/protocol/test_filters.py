"""The grammar of RFC 7644 §3.4.2.2: what it means, and that nothing else is accepted."""

import json
from contextlib import suppress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scim.protocol.errors import InvalidFilter, InvalidPath
from scim.protocol.filters import (
    MAX_DEPTH,
    MAX_TEXT,
    And,
    AttributePath,
    Comparison,
    Not,
    Operator,
    Or,
    PatchPath,
    Present,
    ValuePath,
    parse,
    parse_path,
)

A, B, C = (Present(AttributePath(None, name)) for name in "abc")
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
WORDS = ["a", "emails", "type", "eq", "co", "pr", "and", "or", "not", "(", ")", "[", "]", ".value", '"x"', "1", "true"]
TEXTS = st.text(max_size=60) | st.lists(st.sampled_from([*WORDS, f"{USER}:a", '"\\ud800"', "-", ":"])).map(" ".join)


def eq(name: str, value: object, sub: str | None = None) -> Comparison:
    return Comparison(AttributePath(None, name, sub), Operator.EQ, value)


def refusal(text: str) -> str:
    with pytest.raises(InvalidFilter) as caught:
        parse(text)
    return caught.value.detail


@pytest.mark.parametrize("op", Operator)
def test_operators_are_parsed_in_upper_case(op):
    assert parse(f'userName {op.upper()} "x"') == Comparison(AttributePath(None, "userName"), op, "x")


def test_presence_filter_is_parsed():
    assert parse("title pr") == Present(AttributePath(None, "title"))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a pr or b pr and c pr", Or((A, And((B, C))))),
        ("a pr and b pr or c pr", Or((And((A, B)), C))),
        ("(a pr or b pr) and c pr", And((Or((A, B)), C))),
        ("not (a pr) and b pr", And((Not(A), B))),
        ("not (a pr and b pr)", Not(And((A, B)))),
        ("a pr AND b pr And c pr", And((A, B, C))),
        ("NOT(a pr)", Not(A)),
    ],
)
def test_not_binds_tighter_than_and_and_and_tighter_than_or(text, tree):
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ('"uma@acme.example"', "uma@acme.example"),
        ('""', ""),
        (r'"a \"quoted\" \\ word"', 'a "quoted" \\ word'),
        (r'"\u00fc\ud83d\ude00"', "ü\U0001f600"),
        ('"ü%_]) or"', "ü%_]) or"),
        ("12", 12),
        ("-0.5e1", -5.0),
        (str(2**63 - 1), 2**63 - 1),
        (str(-(2**63)), -(2**63)),
        ("true", True),
        ("FALSE", False),
        ("null", None),
    ],
)
def test_comparison_values_are_parsed_as_json_literals(literal, value):
    assert parse(f"a eq {literal}") == eq("a", value)


def test_sub_attribute_is_parsed():
    assert parse('name.familyName eq "x"') == eq("name", "x", "familyName")


def test_a_schema_prefix_ends_at_the_last_colon():
    assert parse(f"{USER}:name.givenName pr") == Present(AttributePath(USER, "name", "givenName"))


def test_attribute_path_keeps_the_written_case_and_its_key_is_lower_case():
    path = parse("URN:X:2.0:User:Name.givenNAME pr").path
    assert (path.name, path.key) == ("Name", ("urn:x:2.0:user", "name", "givenname"))


def test_value_path_is_parsed_with_its_condition():
    condition = And((eq("type", "work"), Comparison(AttributePath(None, "value"), Operator.CO, "@acme")))
    assert parse('emails[type eq "work" and value co "@acme"]') == ValuePath(AttributePath(None, "emails"), condition)


def test_value_path_is_parsed_beside_other_terms_of_an_or():
    assert parse('emails[type eq "work"] or a pr') == Or(
        (ValuePath(AttributePath(None, "emails"), eq("type", "work")), A)
    )


@pytest.mark.parametrize(
    ("bracket", "terms"),
    [
        ('type eq "work"', (eq("type", "work"),)),
        ('type eq "work" and primary eq true', (eq("type", "work"), eq("primary", value=True))),
        ('type eq "a" or type eq "b"', (Or((eq("type", "a"), eq("type", "b"))),)),
    ],
)
def test_sub_attribute_after_a_value_path_is_compared_within_the_selected_value(bracket, terms):
    expected = ValuePath(AttributePath(None, "emails"), And((*terms, eq("value", "x"))))
    assert parse(f'emails[{bracket}].value eq "x"') == expected


def test_filter_with_extra_white_space_is_parsed():
    assert parse('  userName\teq  "x"  ') == eq("userName", "x")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "userName",
        "userName eq",
        'eq "x"',
        'userName is "x"',
        "userName eq x",
        "userName eq 'x'",
        'userName eq "x',
        'userName eq "x" and',
        'userName eq "x" xor a pr',
        'userName eq "x" a pr',
        '(userName eq "x"',
        'userName eq "x")',
        "()",
        "not a pr",
        "not",
        "emails[]",
        "emails[type pr",
        "emails[type pr].",
        "emails[type pr].value",
        "emails[phones[a pr]]",
        "emails.value[type pr]",
        "userName. pr",
        "a.b.c pr",
        "core:userName pr",
        "urn:x: pr",
        "1a pr",
        "a eq 01",
        "a eq 1x",
        "a eq (",
        'a eq "\x01"',
        r'a eq "\x"',
        "é pr",
        "a pr; drop",
    ],
)
def test_filter_outside_the_grammar_is_refused(text):
    assert refusal(text).endswith(".")


@pytest.mark.parametrize("value", [r'"\u0000"', r'"\ud800"', '"\ud800"'])
def test_filter_value_with_nul_or_lone_surrogate_is_refused(value):
    assert "NUL" in refusal(f"a eq {value}")


@pytest.mark.parametrize("value", [str(2**63), str(-(2**63) - 1), "1e999", "-1e999"])
def test_filter_number_beyond_64_bits_is_refused(value):
    assert "64 bits" in refusal(f"a eq {value}")


def test_filter_refusal_names_the_character_position():
    assert "character 10" in refusal('userName is "x"')


def test_filter_of_twenty_terms_is_parsed():
    assert len(parse(" or ".join(["a pr"] * 20)).terms) == 20


@pytest.mark.parametrize("text", [" or ".join(["a pr"] * 21), " or ".join(["a[b pr].c pr"] * 11)])
def test_filter_of_more_than_twenty_terms_is_refused(text):
    assert "20 terms" in refusal(text)


def test_filter_nested_ten_levels_is_parsed():
    assert parse("(" * 9 + "a pr" + ")" * 9) == A


@pytest.mark.parametrize("text", ["(" * 10 + "a pr" + ")" * 10, "(" * 1000, "not (" * 200])
def test_filter_nested_deeper_than_ten_levels_is_refused(text):
    assert "10 levels" in refusal(text)


def test_filter_longer_than_1024_bytes_is_refused():
    longest = 'a eq "{}"'.format("x" * (1024 - 7))
    assert parse(longest)
    assert "1,024 bytes" in refusal(longest + " ")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("members", PatchPath(AttributePath(None, "members"))),
        ("name.givenName", PatchPath(AttributePath(None, "name", "givenName"))),
        (f"{USER}:userName", PatchPath(AttributePath(USER, "userName"))),
        ('members[value eq "1"]', PatchPath(AttributePath(None, "members"), eq("value", "1"))),
        ('emails[type eq "work"].value', PatchPath(AttributePath(None, "emails"), eq("type", "work"), "value")),
    ],
)
def test_patch_path_is_parsed(text, path):
    assert parse_path(text) == path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "a b",
        "a[",
        "a[b]",
        "a[b pr",
        "a[b pr]c",
        "a[b pr].c.d",
        "a.b[c pr]",
        "a[b[c pr]]",
        "a[b pr] x",
        "1",
        "a" * 65_537,
    ],
)
def test_malformed_patch_path_raises_invalid_path(text):
    with pytest.raises(InvalidPath, match="path can't be read"):
        parse_path(text)


@given(TEXTS)
def test_parse_raises_only_invalid_filter_for_arbitrary_text(text):
    with suppress(InvalidFilter):
        parse(text)


@given(TEXTS)
def test_parse_path_raises_only_invalid_path_for_arbitrary_text(text):
    with suppress(InvalidPath):
        parse_path(text)


NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,5}", fullmatch=True) | st.sampled_from(
    ["$ref", "not", "and", "or", "pr", "eq"]
)
PATHS = st.builds(AttributePath, st.sampled_from([None, USER, "urn:x:1.5"]), NAMES, st.none() | NAMES)
LITERALS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(max_size=8).filter(lambda text: "\0" not in text)
)
CONDITIONS = st.builds(Comparison, PATHS, st.sampled_from(Operator), LITERALS) | st.builds(Present, PATHS)


def combined(inner):
    terms = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.builds(And, terms) | st.builds(Or, terms) | st.builds(Not, inner)


WITHIN = st.recursive(CONDITIONS, combined, max_leaves=4)
VALUE_PATHS = st.builds(ValuePath, st.builds(AttributePath, st.none(), NAMES), WITHIN)
TREES = st.recursive(CONDITIONS | VALUE_PATHS, combined, max_leaves=5)


def written(node) -> str:
    """Return a filter's text with no more parentheses than the precedence needs."""
    if isinstance(node, And | Or):
        word, loose = (" and ", And | Or) if isinstance(node, And) else (" or ", Or)
        return word.join(f"({written(one)})" if isinstance(one, loose) else written(one) for one in node.terms)
    if isinstance(node, Not):
        return f"not ({written(node.term)})"
    path = f"{node.path.uri}:" * bool(node.path.uri) + node.path.name + f".{node.path.sub}" * bool(node.path.sub)
    if isinstance(node, ValuePath):
        return f"{path}[{written(node.term)}]"
    return f"{path} pr" if isinstance(node, Present) else f"{path} {node.op} {json.dumps(node.value)}"


@given(TREES)
def test_written_filter_parses_to_the_same_tree(tree):
    text = written(tree)
    assume(len(text) < MAX_TEXT and text.count("(") + text.count("[") < MAX_DEPTH)
    assert parse(text) == tree


@given(PATHS.filter(lambda path: path.sub is None), WITHIN, st.none() | NAMES)
def test_written_patch_path_parses_to_the_same_path(attribute, term, sub):
    text = f"{attribute.uri}:" * bool(attribute.uri) + f"{attribute.name}[{written(term)}]" + f".{sub}" * bool(sub)
    assume(len(text) < MAX_TEXT and text.count("(") < MAX_DEPTH - 1)
    assert parse_path(text) == PatchPath(attribute, term, sub)
