"""The names under which identity providers send what we read of a person. No name stands for two things."""

from collections.abc import Iterable, Mapping

from orgs.providers.types import AttributeRow, ProfileField

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
