"""Which attributes filters and sortBy may name (RFC 7644 §3.4.2.2, §3.4.2.3), from the schema table: names → attributes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from scim.protocol.filters import AttributePath
from scim.protocol.schemas import (
    EARLY_CORE,
    EXTERNAL_ID,
    GATEHOUSE_GROUP,
    GATEHOUSE_GROUP_SPECS,
    GROUP,
    GROUP_SPECS,
    MAX_TEXT,
    USER,
    USER_EXTENSIONS,
    USER_SPECS,
    AttributeSpec,
    AttributeType,
    Specs,
    user_extension,
)


@dataclass(frozen=True, slots=True)
class Queryable:
    """An attribute that can be asked about. `name` is dotted, in the case of the schema; `parent` is what it is part of.

    `urn` is that of its extension, as a document has it.
    """

    name: str
    spec: AttributeSpec
    parent: "Queryable | None" = None
    urn: str | None = None

    @property
    def key(self) -> str:
        return self.name.casefold()

    @property
    def sub_key(self) -> str:
        """Return the name within one value of a multi-valued attribute."""
        return self.spec.name.casefold()

    @property
    def values(self) -> "Queryable | None":
        """Return the multi-valued attribute whose values hold this one, if there is one."""
        if self.spec.multi:
            return self
        return self.parent if self.parent is not None and self.parent.spec.multi else None

    @property
    def kind(self) -> AttributeType:
        return self.spec.kind

    @property
    def is_exact(self) -> bool:
        """Say whether its case counts: references' and binary values' does always (RFC 7643 §2.3.6, §2.3.7)."""
        return self.spec.case_exact or self.kind in (AttributeType.REFERENCE, AttributeType.BINARY)

    @property
    def is_long(self) -> bool:
        """Say whether only a digest of it is looked up: pictures and certificates."""
        return self.spec.longest > MAX_TEXT

    @property
    def subs(self) -> "tuple[Queryable, ...]":
        return tuple(Queryable(f"{self.name}.{spec.name}", spec, self, self.urn) for spec in self.spec.sub)

    def sub(self, name: str) -> "Queryable | None":
        key = name.casefold()
        return next((sub for sub in self.subs if sub.sub_key == key), None)


META = AttributeSpec(
    "meta",
    "What the service knows of the resource.",
    AttributeType.COMPLEX,
    mutability="readOnly",
    sub=(
        AttributeSpec("resourceType", "User or Group.", case_exact=True),
        AttributeSpec("created", "When it was created.", AttributeType.DATE_TIME),
        AttributeSpec("lastModified", "When it was last changed.", AttributeType.DATE_TIME),
        AttributeSpec("location", "Its URL.", AttributeType.REFERENCE, reference_types=("uri",)),
        AttributeSpec("version", "Its version.", case_exact=True),
    ),
)
# RFC 7643 §3.1 has case count for ids; whoever sends an id in capitals means the same resource all the same
COMMON_SPECS: Specs = (
    AttributeSpec("id", "The id that the service gave.", mutability="readOnly"),
    EXTERNAL_ID,
    META,
    AttributeSpec("schemas", "The schemas of the resource.", multi=True),
)


@dataclass(frozen=True)
class QuerySchema:
    """The attributes of one type of resources: those of the core schema, and those of each extension by its URN."""

    label: str
    core_urns: frozenset[str]
    core: Specs
    extensions: Mapping[str, Specs]

    @cached_property
    def _known(self) -> dict[str, dict[str, Queryable]]:
        """Return for each schema in casefolded form its attributes, and their sub-attributes, by casefolded dotted name."""
        found = {urn: _named(self.core) for urn in self.core_urns}
        return found | {urn.casefold(): _named(specs, urn) for urn, specs in self.extensions.items()}

    @cached_property
    def _bare(self) -> dict[str, Queryable]:
        """Return what a name without a URN means: an attribute of the core schema, else one of an extension."""
        found: dict[str, Queryable] = {}
        for urn, specs in self.extensions.items():
            found |= _named(specs, urn)
        return found | _named(self.core)

    @cached_property
    def wholes(self) -> tuple[Queryable, ...]:
        """Return the attributes that are no part of another one."""
        return tuple(attribute for attribute in self._bare.values() if attribute.parent is None)

    def find(self, path: AttributePath) -> Queryable | None:
        """Return the attribute of this path, with a colon or, as some consoles write, a dot after its URN; or None."""
        uri, name, sub = path.key
        if uri is not None and sub is not None and f"{uri}:{name}" in self._known:
            uri, name, sub = f"{uri}:{name}", sub, None
        known = self._bare if uri is None else self._known.get((user_extension(uri) or uri).casefold(), {})
        return known.get(f"{name}.{sub}" if sub else name)


def _named(specs: Specs, urn: str | None = None) -> dict[str, Queryable]:
    wholes = [Queryable(spec.name, spec, urn=urn) for spec in specs if spec.returned != "never"]
    return {attribute.key: attribute for whole in wholes for attribute in (whole, *whole.subs)}


def written(path: AttributePath) -> str:
    """Return an attribute's path as it is written."""
    prefix = f"{path.uri}:" if path.uri else ""
    return f"{prefix}{path.name}" + (f".{path.sub}" if path.sub else "")


def unknown(path: AttributePath, schemas: "tuple[QuerySchema, ...]") -> str:
    """Return the sentence that no type that is searched has such an attribute."""
    labels = " or ".join(schema.label for schema in schemas)
    return f"{written(path)!r} isn't an attribute of {labels}. Schemas lists what there is."


USERS = QuerySchema(
    "users",
    frozenset({USER.casefold(), *EARLY_CORE}),
    (*USER_SPECS, *COMMON_SPECS),
    USER_EXTENSIONS,
)
GROUPS = QuerySchema(
    "groups", frozenset({GROUP.casefold()}), (*GROUP_SPECS, *COMMON_SPECS), {GATEHOUSE_GROUP: GATEHOUSE_GROUP_SPECS}
)
