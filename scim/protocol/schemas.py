"""What the resources may hold (RFC 7643 §4, §8.7), as a table that reading, PATCH and discovery share."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

# a resource or a message in JSON types, by the names of its attributes as they are on the wire
Document = dict[str, Any]

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GATEHOUSE_USER = "urn:ietf:params:scim:schemas:extension:gatehouse:2.0:User"
GATEHOUSE_GROUP = "urn:ietf:params:scim:schemas:extension:gatehouse:2.0:Group"
LIST_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
SEARCH_REQUEST = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SPC = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
RESOURCE_TYPE = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Schema"
# OneLogin still names the schemas of before the RFC
EARLY_CORE = ("urn:scim:schemas:core:1.0", "urn:scim:schemas:core:2.0", "urn:scim:schemas:core:2.0:user")

MAX_TEXT = 1024
MAX_NAME = 256
MAX_EXTERNAL_ID = 1024
# a certificate in base64, a picture's signed or data URL
MAX_LONG_TEXT = 16_384
MAX_VALUES = 100


class AttributeType(StrEnum):
    STRING = "string"
    BOOLEAN = "boolean"
    REFERENCE = "reference"
    BINARY = "binary"
    DATE_TIME = "dateTime"
    COMPLEX = "complex"


@dataclass(frozen=True, slots=True)
class AttributeSpec:
    """One attribute; defaults are RFC 7643 §2.2's. `longest` counts characters.

    A value that is too long is refused, or, where `leaves_out`, left out: nobody loses their access for a large picture.
    Where `is_closed`, the canonical values are the only ones.
    """

    name: str
    description: str
    kind: AttributeType = AttributeType.STRING
    multi: bool = False
    required: bool = False
    case_exact: bool = False
    mutability: str = "readWrite"
    returned: str = "default"
    uniqueness: str = "none"
    longest: int = MAX_TEXT
    leaves_out: bool = False
    reference_types: tuple[str, ...] = ()
    canonical: tuple[str, ...] = ()
    is_closed: bool = False
    sub: tuple["AttributeSpec", ...] = field(default_factory=tuple)

    @property
    def is_read_only(self) -> bool:
        return self.mutability == "readOnly"

    @property
    def is_stored(self) -> bool:
        """Say whether a client's value is kept: not what the service sets, nor what nobody may read back."""
        return self.mutability not in ("readOnly", "writeOnly")

    def sub_named(self, name: str) -> "AttributeSpec | None":
        return find(self.sub, name)


Specs = tuple[AttributeSpec, ...]


def find(specs: Specs, name: str) -> AttributeSpec | None:
    """Return the attribute of this name in whatever case (RFC 7643 §2.1), or None."""
    for spec in specs:
        if spec.name == name:
            return spec
    key = name.casefold()
    return next((spec for spec in specs if spec.name.casefold() == key), None)


MAIL_VALUE = AttributeSpec("value", "The e-mail address.", required=True)


def _values(name: str, description: str, *, value: AttributeSpec | None = None) -> AttributeSpec:
    """Return a multi-valued attribute with the usual sub-attributes (RFC 7643 §2.4)."""
    return AttributeSpec(
        name,
        description,
        AttributeType.COMPLEX,
        multi=True,
        sub=(
            value or AttributeSpec("value", "The value."),
            AttributeSpec("display", "A name for the value."),
            AttributeSpec("type", "What the value is for, such as work or home."),
            AttributeSpec("primary", "Whether this is the preferred value.", AttributeType.BOOLEAN),
        ),
    )


NAME = AttributeSpec(
    "name",
    "The parts of the person's name.",
    AttributeType.COMPLEX,
    sub=(
        AttributeSpec("formatted", "The whole name."),
        AttributeSpec("familyName", "The family name."),
        AttributeSpec("givenName", "The given name."),
        AttributeSpec("middleName", "Middle names."),
        AttributeSpec("honorificPrefix", "A title before the name."),
        AttributeSpec("honorificSuffix", "What follows the name."),
    ),
)
ADDRESSES = AttributeSpec(
    "addresses",
    "Postal addresses.",
    AttributeType.COMPLEX,
    multi=True,
    sub=(
        AttributeSpec("formatted", "The whole address."),
        AttributeSpec("streetAddress", "Street and number."),
        AttributeSpec("locality", "City."),
        AttributeSpec("region", "State or region."),
        AttributeSpec("postalCode", "Postal code."),
        AttributeSpec("country", "Country."),
        AttributeSpec("type", "What the address is for."),
        AttributeSpec("primary", "Whether this is the preferred address.", AttributeType.BOOLEAN),
    ),
)
# a membership needs an address: clients that build users from this table must know it, though a userName that is one will do
EMAILS = replace(
    _values("emails", "E-mail addresses. One is needed unless userName is an e-mail address.", value=MAIL_VALUE),
    required=True,
)
USER_GROUPS = AttributeSpec(
    "groups",
    "The groups of this directory that the person is in; changed through Groups only.",
    AttributeType.COMPLEX,
    multi=True,
    mutability="readOnly",
    sub=(
        AttributeSpec("value", "The group's id.", case_exact=True, mutability="readOnly"),
        AttributeSpec(
            "$ref", "The group's URL.", AttributeType.REFERENCE, mutability="readOnly", reference_types=("Group",)
        ),
        AttributeSpec("display", "The group's name.", mutability="readOnly"),
        AttributeSpec("type", "Always direct.", mutability="readOnly", canonical=("direct",)),
    ),
)
USER_SPECS: Specs = (
    AttributeSpec(
        "userName",
        "The name by which the IdP knows the person, compared without case.",
        required=True,
        uniqueness="server",
        longest=MAX_NAME,
    ),
    NAME,
    AttributeSpec("displayName", "The name to show."),
    AttributeSpec("nickName", "A casual name."),
    AttributeSpec(
        "profileUrl",
        "A page about the person.",
        AttributeType.REFERENCE,
        leaves_out=True,
        reference_types=("external",),
    ),
    AttributeSpec("title", "The person's title."),
    AttributeSpec("userType", "Such as Employee or Contractor."),
    AttributeSpec("preferredLanguage", "Preferred languages."),
    AttributeSpec("locale", "For dates and numbers, such as en-US."),
    AttributeSpec("timezone", "Such as America/Denver."),
    AttributeSpec("active", "Whether the person may sign in.", AttributeType.BOOLEAN),
    AttributeSpec(
        "password",
        "Accepted and never kept: people sign in at the identity provider.",
        mutability="writeOnly",
        returned="never",
    ),
    EMAILS,
    _values("phoneNumbers", "Telephone numbers."),
    _values("ims", "Instant messaging addresses."),
    _values(
        "photos",
        "Pictures of the person.",
        value=AttributeSpec(
            "value",
            "The picture's URL.",
            AttributeType.REFERENCE,
            longest=MAX_LONG_TEXT,
            leaves_out=True,
            reference_types=("external",),
        ),
    ),
    ADDRESSES,
    _values("entitlements", "Things the person may have at the identity provider. Kept, without effect here."),
    _values("roles", "Roles at the identity provider. Kept, without effect here: organizationRole is the role here."),
    _values(
        "x509Certificates",
        "Certificates of the person. Kept, without effect here: nobody signs in by them.",
        value=AttributeSpec(
            "value", "The certificate in base64.", AttributeType.BINARY, longest=MAX_LONG_TEXT, leaves_out=True
        ),
    ),
    USER_GROUPS,
)
ENTERPRISE_SPECS: Specs = (
    AttributeSpec("employeeNumber", "The number that the organization gave to the person."),
    AttributeSpec("costCenter", "Cost center."),
    AttributeSpec("organization", "Organization."),
    AttributeSpec("division", "Division."),
    AttributeSpec("department", "Department."),
    AttributeSpec(
        "manager",
        "The person's manager. Kept, without effect here.",
        AttributeType.COMPLEX,
        sub=(
            AttributeSpec("value", "The id of the manager's user.", case_exact=True),
            AttributeSpec("$ref", "The URL of the manager's user.", AttributeType.REFERENCE, reference_types=("User",)),
            AttributeSpec("displayName", "The manager's name.", mutability="readOnly"),
        ),
    ),
)
ORGANIZATION_ROLES = ("Admin", "User", "Guest")
ROLE_NAME = "organizationRole"


def _organization_role(description: str) -> AttributeSpec:
    return AttributeSpec(
        ROLE_NAME,
        f"{description} Owners are named by owners in Gatehouse, and by nobody else.",
        canonical=ORGANIZATION_ROLES,
        is_closed=True,
    )


GATEHOUSE_USER_SPECS: Specs = (_organization_role("A role of the person. The highest of all their roles counts."),)
GATEHOUSE_GROUP_SPECS: Specs = (
    _organization_role("A role of everybody in the group. The highest of all roles of a person counts."),
)
GROUP_SPECS: Specs = (
    AttributeSpec(
        "displayName",
        "The group's name, compared without case.",
        required=True,
        uniqueness="server",
        longest=MAX_NAME,
    ),
    AttributeSpec(
        "members",
        "The people in the group.",
        AttributeType.COMPLEX,
        multi=True,
        sub=(
            AttributeSpec("value", "The id of the user.", case_exact=True, mutability="immutable"),
            AttributeSpec(
                "$ref",
                "The URL of the user.",
                AttributeType.REFERENCE,
                mutability="immutable",
                reference_types=("User",),
            ),
            AttributeSpec("type", "Always User.", mutability="immutable", canonical=("User",)),
        ),
    ),
)
# RFC 7643 §3.1: every resource has it, no schema lists it
EXTERNAL_ID = AttributeSpec("externalId", "The IdP's own id.", case_exact=True, longest=MAX_EXTERNAL_ID)
# `schemas` isn't among them: who adds an extension may name it there too, and the service knows by the values
READ_ONLY_COMMON = frozenset({"id", "meta"})
# every resource's own, and so unknown nowhere
COMMON = READ_ONLY_COMMON | {"schemas"}
# the extensions of a user, and what they hold
USER_EXTENSIONS: dict[str, Specs] = {ENTERPRISE: ENTERPRISE_SPECS, GATEHOUSE_USER: GATEHOUSE_USER_SPECS}
_CORE_USERS = frozenset({USER.casefold(), *EARLY_CORE})
_EXTENSIONS = {urn.casefold(): urn for urn in USER_EXTENSIONS} | {
    "urn:scim:schemas:extension:enterprise:1.0": ENTERPRISE
}
_SCHEMAS = (*_CORE_USERS, *_EXTENSIONS, GROUP.casefold(), GATEHOUSE_GROUP.casefold())


def is_core_user(urn: str) -> bool:
    return urn.casefold() in _CORE_USERS


def user_extension(urn: str) -> str | None:
    """Return the extension of a user that a URN names, in whatever case, by our spelling of it; or None."""
    return _EXTENSIONS.get(urn.casefold())


def with_colon(name: str) -> str:
    """Return `urn:…:2.0:User.department` with the colon that belongs there: some consoles put a dot."""
    key = name.casefold()
    if not key.startswith("urn:"):
        return name
    found = next((urn for urn in _SCHEMAS if key.startswith(f"{urn}.")), "")
    return f"{name[: len(found)]}:{name[len(found) + 1 :]}" if found else name


def locate(name: str, core: Specs) -> tuple[str, str]:
    """Return the extension, or nothing for the core schema, and the attribute that a name of a user's body means.

    An attribute of an extension is understood without its URN, too, where the core schema has none of that name.
    """
    urn, colon, attribute = with_colon(name).rpartition(":")
    if not colon:
        if find(core, name) is None:
            return next((urn for urn, specs in USER_EXTENSIONS.items() if find(specs, name)), ""), name
        return "", name
    if is_core_user(urn):
        return "", attribute
    extension = user_extension(urn)
    return (extension, attribute) if extension else ("", name)
