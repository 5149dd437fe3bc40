"""User resources: wire ↔ the stored document and the facts that memberships need (RFC 7643 §4.1, §4.3)."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from orgs.base.addresses import is_mail_address
from orgs.base.text import address_domain
from orgs.providers.registry import is_name_of_deleted
from scim.protocol.errors import InvalidValue
from scim.protocol.filter_keys import LOOKED_UP, LookedUp
from scim.protocol.normal import is_empty, normal_object
from scim.protocol.remarks import Remarks
from scim.protocol.schemas import (
    COMMON,
    ENTERPRISE,
    EXTERNAL_ID,
    GATEHOUSE_USER,
    ROLE_NAME,
    USER,
    USER_EXTENSIONS,
    USER_SPECS,
    Document,
    is_core_user,
    locate,
    user_extension,
)

SPECS = (*USER_SPECS, EXTERNAL_ID)
_VALUE_ATTRIBUTES = ("emails", "phoneNumbers")
EMPLOYEE_NUMBER = "employeeNumber"


@dataclass(frozen=True, slots=True)
class AddressCandidates:
    """What in a document could be the person's address: only what is one e-mail address, each list in its order.

    `preferred` are the primary and the work e-mails, `others` the other e-mails. `user_name` is None when the userName is
    no address: it is free text.
    """

    preferred: tuple[str, ...]
    others: tuple[str, ...]
    user_name: str | None

    @property
    def domains(self) -> frozenset[str]:
        """Return between which domains the choice depends on what the organization has verified; often none."""
        domains = frozenset(address_domain(address) for address in self.preferred)
        return domains if len(domains) > 1 else frozenset()

    def choose(self, verified_domains: AbstractSet[str]) -> str | None:
        """Return the person's address, or None when there is none.

        It is a primary or work e-mail in a verified domain, else the primary, the work, the first other e-mail, and the
        userName at last.
        """
        trusted = (address for address in self.preferred if address_domain(address) in verified_domains)
        return next(trusted, None) or next(iter((*self.preferred, *self.others)), None) or self.user_name


NO_CANDIDATES = AddressCandidates((), (), None)


@dataclass(frozen=True, slots=True)
class UserFacts:
    """What a membership takes from a document.

    `active` is None once it was removed: unassigned is not inactive, so the membership stays as it is.
    `organization_role` is admin, user or guest.
    """

    user_name: str
    external_id: str | None
    active: bool | None
    given_name: str
    family_name: str
    display_name: str
    addresses: AddressCandidates
    organization_role: str | None = None


@dataclass(frozen=True, slots=True)
class FilterValue:
    """One value of a multi-valued attribute, as the filter table keeps it."""

    attribute: str
    type: str
    value: str
    primary: bool


@dataclass(frozen=True, slots=True)
class Identity:
    """What the service adds to a resource. Times are RFC 3339 in UTC; `version` counts changes from 1."""

    id: str
    location: str
    created: str
    last_modified: str
    version: int


@dataclass(frozen=True, slots=True)
class GroupReference:
    id: str
    location: str
    display: str


def read_user(body: Mapping[str, Any], remarks: Remarks | None = None) -> Document:
    """Return a new user's document. Raises InvalidValue when userName is missing or a value has the wrong type."""
    document = normal_user(body, remarks)
    document.setdefault("active", True)
    return document


def replace_user(current: Document, body: Mapping[str, Any], remarks: Remarks | None = None) -> Document:
    """Return what PUT makes of a user (RFC 7644 §3.5.1): what isn't sent is unassigned, but `active` stays as it is.

    It is the current document itself when nothing changes.
    """
    document = normal_user(body, remarks)
    if "active" in current:
        document.setdefault("active", current["active"])
    return current if document == current else document


def normal_user(body: Mapping[str, Any], remarks: Remarks | None = None) -> Document:
    """Return the document in stored form, whatever case, type spelling or URN its client used. Raises InvalidValue."""
    held: dict[str, Document] = {"": {}}
    for name, value in body.items():
        if is_core_user(name):
            held[""] |= value if isinstance(value, Mapping) else {}
        elif (extension := user_extension(name)) is not None:
            held[extension] = held.get(extension, {}) | _extension(extension, value)
        elif name.casefold() not in COMMON:
            urn, attribute = locate(name, SPECS)
            held.setdefault(urn, {})[attribute] = value
    document = normal_object(held[""], SPECS, "", remarks)
    if not document.get("userName", "").strip():
        raise InvalidValue(
            "userName is missing. Send the name by which you know the person, often their e-mail address."
        )
    for urn, specs in USER_EXTENSIONS.items():
        if urn in held and (found := normal_object(held[urn], specs, f"{urn}:", remarks)):
            document[urn] = found
    return document


def _extension(urn: str, value: Any) -> Document:
    if is_empty(value):
        return {}
    if not isinstance(value, Mapping):
        raise InvalidValue(f"{urn} must be an object.")
    return dict(value)


def facts(document: Document) -> UserFacts:
    """Return what the membership shows, from a stored document."""
    name = document.get("name", {})
    user_name: str = document["userName"]
    given, family = name.get("givenName", ""), name.get("familyName", "")
    return UserFacts(
        user_name=user_name,
        external_id=document.get("externalId"),
        active=document.get("active"),
        given_name=given,
        family_name=family,
        display_name=document.get("displayName") or name.get("formatted") or f"{given} {family}".strip() or user_name,
        addresses=_candidates(document),
        organization_role=document.get(GATEHOUSE_USER, {}).get(ROLE_NAME, "").casefold() or None,
    )


def _candidates(document: Document) -> AddressCandidates:
    primary: list[str] = []
    work: list[str] = []
    others: list[str] = []
    for email in document.get("emails", []):
        if (address := _usable(email.get("value", ""))) is None:
            continue
        is_work = str(email.get("type", "")).casefold() == "work"
        (primary if email.get("primary") else work if is_work else others).append(address)
    return AddressCandidates((*primary, *work), tuple(others), _usable(document["userName"]))


def _usable(text: str) -> str | None:
    address = text.strip()
    return address if is_mail_address(address) else None


def new_candidates(before: AddressCandidates, after: AddressCandidates) -> AddressCandidates:
    """Return what a change says of the person's address: nothing when it names no other one than before.

    Neither does it say anything when it only unassigns the e-mails: the address by which the portal knows the person
    stays. A name that an IdP gives to a person whom it has deleted is none to call anybody by.
    """
    if after == before or (not (after.preferred or after.others) and after.user_name == before.user_name):
        return NO_CANDIDATES
    return AddressCandidates(
        preferred=tuple(address for address in after.preferred if not is_name_of_deleted(address)),
        others=tuple(address for address in after.others if not is_name_of_deleted(address)),
        user_name=None if is_name_of_deleted(after.user_name or "") else after.user_name,
    )


def filter_values(document: Document) -> tuple[FilterValue, ...]:
    """Return every value that is looked up by an index and has no column."""
    found = [
        FilterValue(
            attribute=attribute,
            type=item.get("type", ""),
            value=item["value"],
            primary=item.get("primary", False),
        )
        for attribute in _VALUE_ATTRIBUTES
        for item in document.get(attribute, [])
        if item.get("value")
    ]
    if number := document.get(ENTERPRISE, {}).get(EMPLOYEE_NUMBER):
        found.append(FilterValue(EMPLOYEE_NUMBER, type="", value=number, primary=False))
    return tuple(found)


def filter_keys(document: Document) -> dict[str, Any]:
    """Return the keys by casefolded dotted name; a multi-valued attribute's are a list, with the primary value's first."""
    found: dict[str, Any] = {}
    for attribute in LOOKED_UP:
        holder = document if attribute.urn is None else document.get(attribute.urn, {})
        value = holder.get(attribute.name)
        if value is None:
            continue
        if attribute.is_multi:
            found[attribute.key] = [_key_parts(attribute, item) for item in sorted(value, key=_is_secondary)]
        elif attribute.subs:
            found |= _key_parts(attribute, value)
        else:
            found[attribute.key] = attribute.key_of(value)
    return found


def _is_secondary(item: Document) -> bool:
    return item.get("primary") is not True


def _key_parts(attribute: LookedUp, value: Document) -> dict[str, Any]:
    return {sub.key: sub.key_of(value[sub.name]) for sub in attribute.subs if sub.name in value}


def render_user(document: Document, *, identity: Identity, groups: Sequence[GroupReference]) -> Document:
    """Return the user as it goes on the wire; an extension is named only when it is there."""
    schemas = [USER, *(urn for urn in USER_EXTENSIONS if urn in document)]
    shown: Document = {"schemas": schemas, "id": identity.id, **document, "meta": render_meta("User", identity)}
    if groups:
        shown["groups"] = [
            {"value": group.id, "$ref": group.location, "display": group.display, "type": "direct"} for group in groups
        ]
    return shown


def render_meta(resource_type: str, identity: Identity) -> Document:
    """Return `meta` (RFC 7643 §3.1)."""
    return {
        "resourceType": resource_type,
        "created": identity.created,
        "lastModified": identity.last_modified,
        "location": identity.location,
        "version": f'W/"{identity.version}"',
    }
