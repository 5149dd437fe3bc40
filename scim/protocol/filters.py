"""The whole filter grammar of RFC 7644 §3.4.2.2 as a syntax tree. What can be answered is decided elsewhere."""

from dataclasses import dataclass
from enum import StrEnum

from scim.protocol.errors import InvalidFilter, InvalidPath
from scim.protocol.tokens import Token, read_literal, read_tokens

MAX_TEXT = 1024
MAX_TERMS = 20
# a PATCH names the members to remove in its path, dozens at once
MAX_PATH_TEXT = 64 * 1024
MAX_PATH_TERMS = 1000
MAX_DEPTH = 10
# kinds of tokens that errors don't repeat: the log keeps these
VALUES = frozenset({"string", "number"})


class Operator(StrEnum):
    EQ = "eq"
    NE = "ne"
    CO = "co"
    SW = "sw"
    EW = "ew"
    GT = "gt"
    GE = "ge"
    LT = "lt"
    LE = "le"


@dataclass(frozen=True, slots=True)
class AttributePath:
    """`uri:name.sub` as it was written; compare by `key`."""

    uri: str | None
    name: str
    sub: str | None = None

    @property
    def key(self) -> tuple[str | None, str, str | None]:
        return (
            self.uri.casefold() if self.uri else None,
            self.name.casefold(),
            self.sub.casefold() if self.sub else None,
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    path: AttributePath
    op: Operator
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Present:
    path: AttributePath


@dataclass(frozen=True, slots=True)
class Not:
    term: "Filter"


@dataclass(frozen=True, slots=True)
class And:
    terms: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Or:
    terms: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class ValuePath:
    """`emails[type eq "work"]`: some value of the attribute meets the whole condition."""

    path: AttributePath
    term: "Filter"


Filter = Comparison | Present | Not | And | Or | ValuePath


@dataclass(frozen=True, slots=True)
class PatchPath:
    """`attribute`, `attribute.sub`, or `attribute[filter].sub` (RFC 7644 §3.5.2, figure 7)."""

    attribute: AttributePath
    term: Filter | None = None
    sub: str | None = None


def parse(text: str) -> Filter:
    """Return the filter's tree; not binds tighter than and, and tighter than or. Raises InvalidFilter."""
    reader = _open(text)
    found = reader.read_or()
    reader.expect_end()
    return found


def parse_path(text: str) -> PatchPath:
    """Return the path of a PATCH operation. Raises InvalidPath."""
    try:
        return _parse_path(text)
    except InvalidFilter as error:
        raise InvalidPath(f"The path can't be read. {error.detail}") from error


def _parse_path(text: str) -> PatchPath:
    reader = _open(text, longest=MAX_PATH_TEXT, most_terms=MAX_PATH_TERMS)
    attribute = reader.read_attribute()
    if not reader.take("["):
        reader.expect_end()
        return PatchPath(attribute)
    term = reader.read_bracketed(attribute)
    sub = reader.read_sub() if not reader.is_done else None
    reader.expect_end()
    return PatchPath(attribute, term, sub)


def _open(text: str, *, longest: int = MAX_TEXT, most_terms: int = MAX_TERMS) -> "_Reader":
    if len(text.encode("utf-8", "surrogatepass")) > longest:
        raise InvalidFilter(f"The text is longer than {longest:,} bytes.")
    return _Reader(read_tokens(text), most_terms)


class _Reader:
    """Reads one filter from left to right; recursion is bounded by MAX_DEPTH, comparisons by `most_terms`."""

    def __init__(self, tokens: list[Token], most_terms: int) -> None:
        self.tokens = tokens
        self.most_terms = most_terms
        self.at = 0
        self.depth = 0
        self.terms = 0
        self.is_in_brackets = False

    @property
    def is_done(self) -> bool:
        return self.at >= len(self.tokens)

    def expect_end(self) -> None:
        if not self.is_done:
            raise InvalidFilter(f"{self._here()} is one thing too many.")

    def take(self, text: str) -> bool:
        if not self.is_done and self.tokens[self.at].text.casefold() == text:
            self.at += 1
            return True
        return False

    def need(self, text: str) -> None:
        if not self.take(text):
            raise InvalidFilter(f"{text!r} is missing before {self._here()}.")

    def read_or(self) -> Filter:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise InvalidFilter(f"The filter is nested deeper than {MAX_DEPTH} levels.")
        terms = [self._read_and()]
        while self.take("or"):
            terms.append(self._read_and())
        self.depth -= 1
        return terms[0] if len(terms) == 1 else Or(tuple(terms))

    def _read_and(self) -> Filter:
        terms = [self._read_term()]
        while self.take("and"):
            terms.append(self._read_term())
        return terms[0] if len(terms) == 1 else And(tuple(terms))

    def _read_term(self) -> Filter:
        if self.take("("):
            inner = self.read_or()
            self.need(")")
            return inner
        if self._is_not():
            self.at += 2
            inner = self.read_or()
            self.need(")")
            return Not(inner)
        return self._read_expression()

    def _is_not(self) -> bool:
        ahead = self.tokens[self.at : self.at + 2]
        return [token.text.casefold() for token in ahead] == ["not", "("]

    def _read_expression(self) -> Filter:
        path = self.read_attribute()
        return self._read_value_path(path) if self.take("[") else self._read_condition(path)

    def _read_condition(self, path: AttributePath) -> Comparison | Present:
        self.terms += 1
        if self.terms > self.most_terms:
            raise InvalidFilter(f"The filter has more than {self.most_terms:,} terms.")
        if self.take("pr"):
            return Present(path)
        return Comparison(path, self._read_operator(), self._read_value())

    def _read_value_path(self, path: AttributePath) -> ValuePath:
        """Read Entra's `emails[type eq "work"].value eq "x"`: one value that meets both (the RFC has no such form)."""
        term = self.read_bracketed(path)
        if self.is_done or self.tokens[self.at].kind != "sub":
            return ValuePath(path, term)
        condition = self._read_condition(AttributePath(None, self.read_sub()))
        return ValuePath(path, And((*(term.terms if isinstance(term, And) else (term,)), condition)))

    def read_bracketed(self, path: AttributePath) -> Filter:
        """Return the condition after an opening bracket, which is about the values of `path`."""
        if self.is_in_brackets or path.sub is not None:
            raise InvalidFilter(f"{path.name} can't be followed by a bracket here: only a whole attribute can.")
        self.is_in_brackets = True
        term = self.read_or()
        self.need("]")
        self.is_in_brackets = False
        return term

    def read_attribute(self) -> AttributePath:
        token = self._next("word", "an attribute name")
        uri, colon, rest = token.text.rpartition(":")
        if colon and not uri.casefold().startswith("urn:"):
            raise InvalidFilter(f"{token.text!r} isn't an attribute name: a prefix begins with urn:.")
        name, dot, sub = rest.partition(".")
        # the version in urn:…:2.0:User holds a dot, the attribute after the last colon holds one at most
        if not name or (dot and not sub) or "." in sub:
            raise InvalidFilter(f"{token.text!r} isn't an attribute name.")
        return AttributePath(uri or None, name, sub or None)

    def read_sub(self) -> str:
        return self._next("sub", "a sub-attribute such as .value").text[1:]

    def _read_operator(self) -> Operator:
        token = self._next("word", "an operator")
        try:
            return Operator(token.text.casefold())
        except ValueError as error:
            raise InvalidFilter(
                f"{token.text!r} (character {token.at + 1}) is no operator. Use eq, ne, co, sw, ew, gt, ge, lt, le or pr."
            ) from error

    def _read_value(self) -> str | int | float | bool | None:
        if self.is_done or self.tokens[self.at].kind not in {"string", "number", "word"}:
            raise InvalidFilter(f"A value is missing before {self._here()}.")
        token = self.tokens[self.at]
        self.at += 1
        constants: dict[str, bool | None] = {"true": True, "false": False, "null": None}
        if token.kind == "word":
            if token.text.casefold() not in constants:
                # not shown: it may be a private value, which the log must not keep
                raise InvalidFilter(f"The word at character {token.at + 1} isn't a value: put text in double quotes.")
            return constants[token.text.casefold()]
        return read_literal(token)

    def _next(self, kind: str, wanted: str) -> Token:
        if self.is_done or self.tokens[self.at].kind != kind:
            raise InvalidFilter(f"{self._here()} stands where {wanted} should be.")
        self.at += 1
        return self.tokens[self.at - 1]

    def _here(self) -> str:
        if self.is_done:
            return "The end"
        token = self.tokens[self.at]
        shown = "a value" if token.kind in VALUES else repr(token.text)
        return f"{shown} (character {token.at + 1})"
