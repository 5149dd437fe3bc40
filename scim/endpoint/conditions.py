"""A filter's syntax tree → a condition on rows, over an allow-list: what isn't on the list is refused, never dropped."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.db.models import Q

from scim.protocol.errors import InvalidFilter
from scim.protocol.filters import And, Comparison, Filter, Operator

Leaf = Callable[[object], Q]


@dataclass(frozen=True, slots=True)
class Allowed:
    """The attributes that can be compared by `eq`, in casefolded dotted form, and the sentence that says so."""

    leaves: Mapping[str, Leaf]
    sentence: str
    schema: str

    def condition(self, node: Filter) -> Q:
        """Return the rows' condition. Raises InvalidFilter for whatever isn't answered truly."""
        if isinstance(node, And):
            combined = Q()
            for term in node.terms:
                combined &= self.condition(term)
            return combined
        if isinstance(node, Comparison) and node.op is Operator.EQ and self._is_ours(node.path.uri):
            leaf = self.leaves.get(".".join(part for part in (node.path.name, node.path.sub) if part).casefold())
            if leaf is not None:
                return leaf(node.value)
        raise InvalidFilter(self.sentence)

    def _is_ours(self, uri: str | None) -> bool:
        return uri is None or uri.casefold() == self.schema.casefold()


def text_value(value: object) -> str:
    """Return a filter's value that must be text. Raises InvalidFilter."""
    if not isinstance(value, str):
        raise InvalidFilter("This attribute is text: put the value in double quotes.")
    return value


def boolean_value(value: object) -> bool:
    """Return a filter's value that must be true or false; Entra puts the word in quotes. Raises InvalidFilter."""
    words = {"true": True, "false": False}
    if isinstance(value, str) and value.casefold() in words:
        return words[value.casefold()]
    if not isinstance(value, bool):
        raise InvalidFilter("active is compared with true or false.")
    return value
