"""What a provider's guide is made of. Text is plain, save that an instruction sets the console's own words in bold."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from orgs.providers.attributes import AttributeRow, ProfileField
from orgs.providers.idp_settings import NameIdFormat, Setting

if TYPE_CHECKING:
    from orgs.providers.habits import ScimHabits

CUSTOM_CODE = "custom"


class SpValue(StrEnum):
    """What a connection shows for copying into the provider's form."""

    IDP_ENTITY_ID = "idp_entity_id"
    SP_ENTITY_ID = "sp_entity_id"
    ACS_URL = "acs_url"
    SUBJECT_NAME = "subject_name"
    NAME_ID_FORMAT = "name_id_format"
    LOGIN_URL = "login_url"
    SP_METADATA_URL = "sp_metadata_url"
    SP_CERTIFICATE = "sp_certificate"

    @property
    def label(self) -> str:
        """Return what we call it, whatever the provider does."""
        return _VALUE_LABELS[self]


class MetadataWay(StrEnum):
    """How the provider's metadata gets here."""

    URL = "url"
    FILE = "file"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of an instruction; `is_label` where the words are the console's own."""

    text: str
    is_label: bool


@dataclass(frozen=True, slots=True)
class Instruction:
    """One numbered step, with the console's own words between pairs of asterisks; `note` says more, in small."""

    text: str
    note: str = ""

    @property
    def runs(self) -> tuple[Run, ...]:
        """Return the text without its asterisks, in pieces to be set in bold or not."""
        parts = enumerate(self.text.split("**"))
        return tuple(Run(part, is_label=index % 2 == 1) for index, part in parts if part)


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of the provider's form, under the label it has there: which of our values goes in, or what to choose."""

    value: SpValue | None
    label: str
    hint: str = ""
    required: bool = True
    choice: str = ""  # where no value of ours goes in


@dataclass(frozen=True, slots=True)
class MetadataHint:
    """Where in the console the metadata is found, for one way of handing it over."""

    way: MetadataWay
    label: str


@dataclass(frozen=True, slots=True)
class Absent:
    """A part that a provider doesn't have here, and why."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SamlGuide:
    """How a provider is connected by SAML. Lists are in the order of its console, `metadata` in the order of our page."""

    summary: str
    before: tuple[Instruction, ...]  # how to make the app there, up to the form
    form: tuple[FormField, ...]
    after_copy: tuple[Instruction, ...]  # the rest of the form, where `form` doesn't have all of it
    attributes: tuple[AttributeRow, ...]
    attribute_steps: tuple[Instruction, ...]
    metadata: tuple[MetadataHint, ...]
    assign: tuple[Instruction, ...]  # whom the provider lets in
    traps: tuple[str, ...]
    name_id_format: NameIdFormat  # to ask for, unless the connection says otherwise
    # names under which an attribute may come, the first that is there wins
    aliases: Mapping[ProfileField, tuple[str, ...]]
    fixes: Mapping[Setting, str]  # what to change there when a refusal points at this setting
    renewal: tuple[Instruction, ...]  # how its certificate is renewed while people go on signing in


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One identity provider: all that is known of it. `code` is the name of its folder, and what is stored."""

    code: str
    name: str
    place: int  # among the tiles, the lowest first
    monogram: str  # empty where there is an icon, or nothing to abbreviate
    icon: str = ""  # its licensed mark in the sprite
    hosts: tuple[str, ...]  # ends of the host names that its metadata URLs and entity IDs have
    saml: SamlGuide | Absent
    scim: "ScimHabits | Absent"

    @property
    def guide(self) -> SamlGuide:
        """The part about SAML. Raises LookupError where there is none; `registry.PROVIDERS` are those that have one."""
        if isinstance(self.saml, Absent):
            raise LookupError(f"{self.name} has no guide for SAML: {self.saml.reason}")  # noqa: TRY004 - no wrong type
        return self.saml

    @property
    def party(self) -> str:
        """Return what a sentence calls it: its name, or a description where it may be any."""
        return self.name if self.code != CUSTOM_CODE else "your identity provider"


_VALUE_LABELS = {
    SpValue.IDP_ENTITY_ID: "IdP Entity ID",
    SpValue.SP_ENTITY_ID: "SP Entity ID",
    SpValue.ACS_URL: "ACS URL",
    SpValue.SUBJECT_NAME: "Subject Name",
    SpValue.NAME_ID_FORMAT: "Name ID format",
    SpValue.LOGIN_URL: "Login URL",
    SpValue.SP_METADATA_URL: "SP metadata URL",
    SpValue.SP_CERTIFICATE: "SP certificate",
}
