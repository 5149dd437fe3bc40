"""What is read of a person, and the names under which identity providers send it. No name stands for two things."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class ProfileField(StrEnum):
    """What is read of a person from the assertion's attributes."""

    EMAIL = "email"
    GIVEN_NAME = "given_name"
    FAMILY_NAME = "family_name"
    DISPLAY_NAME = "display_name"

    @property
    def label(self) -> str:
        """Return what people call it."""
        return _FIELD_LABELS[self]


@dataclass(frozen=True, slots=True)
class AttributeRow:
    """One attribute to send: the exact name to type at the provider, and what to choose there as its source."""

    field: ProfileField
    name: str
    source: str
    required: bool = True


_FIELD_LABELS = {
    ProfileField.EMAIL: "Email address",
    ProfileField.GIVEN_NAME: "First name",
    ProfileField.FAMILY_NAME: "Last name",
    ProfileField.DISPLAY_NAME: "Display name",
}

# Entra sends the user principal name as …/claims/name, so that name is nobody's display name here
WELL_KNOWN: Mapping[ProfileField, tuple[str, ...]] = {
    ProfileField.EMAIL: (
        "email",
        "mail",
        "Email",
        "Mail",
        "emailAddress",
        "EmailAddress",
        "emailaddress",
        "email_address",
        "Email Address",
        "E-Mail Address",
        "E-Mail",
        "e-mail",
        "User.email",
        "User.Email",
        "user.email",
        "urn:oid:0.9.2342.19200300.100.1.3",
        "urn:oid:1.2.840.113549.1.9.1",
        "urn:mace:dir:attribute-def:mail",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
        "http://schemas.xmlsoap.org/claims/EmailAddress",
    ),
    ProfileField.GIVEN_NAME: (
        "firstname",
        "firstName",
        "FirstName",
        "Firstname",
        "first_name",
        "First Name",
        "givenName",
        "givenname",
        "GivenName",
        "given_name",
        "Given Name",
        "User.FirstName",
        "User.firstName",
        "user.firstName",
        "urn:oid:2.5.4.42",
        "urn:mace:dir:attribute-def:givenName",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
    ),
    ProfileField.FAMILY_NAME: (
        "lastname",
        "lastName",
        "LastName",
        "Lastname",
        "last_name",
        "Last Name",
        "familyName",
        "familyname",
        "FamilyName",
        "family_name",
        "Family Name",
        "surname",
        "Surname",
        "surName",
        "sn",
        "User.LastName",
        "User.lastName",
        "user.lastName",
        "urn:oid:2.5.4.4",
        "urn:mace:dir:attribute-def:sn",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
    ),
    ProfileField.DISPLAY_NAME: (
        "displayName",
        "displayname",
        "DisplayName",
        "display_name",
        "Display Name",
        "fullName",
        "fullname",
        "FullName",
        "full_name",
        "Full Name",
        "name",
        "Name",
        "cn",
        "urn:oid:2.16.840.1.113730.3.1.241",
        "urn:oid:2.5.4.3",
        "urn:mace:dir:attribute-def:displayName",
        "urn:mace:dir:attribute-def:cn",
        "http://schemas.microsoft.com/identity/claims/displayname",
    ),
}


def accepted(rows: Iterable[AttributeRow]) -> Mapping[ProfileField, tuple[str, ...]]:
    """Return the names that each field is read from, in order: what the provider's guide says first, then the rest."""
    own = [(row.field, row.name) for row in rows]
    return {
        field: tuple(dict.fromkeys([*(name for its, name in own if its is field), *names]))
        for field, names in WELL_KNOWN.items()
    }
