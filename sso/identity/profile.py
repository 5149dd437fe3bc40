"""From claims to a profile: which attribute is the address, which the names."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from orgs.base.addresses import is_mail_address
from sso.identity.errors import AttributesEncrypted, EmailAmbiguous, EmailInvalid, EmailMissing
from sso.identity.types import ClaimedPerson, VerifiedIdentity

# XML's own (XML 1.0 §2.3)
BLANKS = " \t\r\n"
# how a provider joins several values of a record into one
LISTED = re.compile("[;,]")
LONGEST_NAME = 200
Claims = VerifiedIdentity | ClaimedPerson


@dataclass(frozen=True, slots=True)
class AttributeNames:
    """By which names each field may come, in the order in which they are tried."""

    email: tuple[str, ...] = ()
    given_name: tuple[str, ...] = ()
    family_name: tuple[str, ...] = ()
    display_name: tuple[str, ...] = ()
    # what the protocol calls the subject, which may stand for a missing address if it is one; empty: it may not
    subject: str = ""


@dataclass(frozen=True, slots=True)
class ClaimedProfile:
    """What an assertion says of a person; an empty name wasn't sent. `sources` tells from which attribute each field came."""

    email: str
    given_name: str = ""
    family_name: str = ""
    display_name: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)


def read_profile(claims: VerifiedIdentity, names: AttributeNames) -> ClaimedProfile:
    """Return the profile, its address in lower case. Raises EmailMissing, EmailAmbiguous, EmailInvalid."""
    sources: dict[str, str] = {}
    found = {"email": _address(claims, names, sources)} | _names(claims, names, sources)
    return ClaimedProfile(**found, sources=sources)


def preview_profile(claims: Claims, names: AttributeNames) -> ClaimedProfile:
    """Return what these names would read, the address empty where read_profile would refuse it."""
    sources: dict[str, str] = {}
    found = {"email": ""} | _names(claims, names, sources)
    with suppress(EmailMissing, EmailAmbiguous, EmailInvalid):
        found["email"] = _address(claims, names, sources)
    return ClaimedProfile(**found, sources=sources)


def _names(claims: Claims, names: AttributeNames, sources: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for field_name in ("given_name", "family_name", "display_name"):
        name, values = _first(claims.attributes, getattr(names, field_name))
        text = " ".join(values[0].split()) if values else ""
        if text and text.isprintable():
            found[field_name], sources[field_name] = text[:LONGEST_NAME], name
    return found


def _address(claims: Claims, names: AttributeNames, sources: dict[str, str]) -> str:
    name, values = _first(claims.attributes, names.email)
    if not values and names.subject and _is_address(claims.subject):
        name, values = names.subject, (claims.subject,)
    if not values and claims.encrypted_attributes:
        raise AttributesEncrypted(
            expected="an email address", received=f"{claims.encrypted_attributes} encrypted attributes"
        )
    if not values:
        raise EmailMissing(expected=" or ".join(names.email[:4]), received=", ".join(claims.attributes))
    addresses = {_plain(value) for value in values}
    if len(addresses) > 1 and _is_address(claims.subject) and claims.subject.lower() in addresses:
        # the same IdP signs both, and names the person by this one
        addresses = {claims.subject.lower()}
    if len(addresses) > 1:
        raise EmailAmbiguous(expected="one address", received=", ".join(sorted(addresses)))
    sources["email"] = name
    return addresses.pop()


def _plain(value: str) -> str:
    """Return the address in lower case. It is looked at before: the lower case of the Kelvin sign is a plain k.

    Raises EmailAmbiguous for a list of addresses, EmailInvalid.
    """
    address = value.strip(BLANKS)
    parts = [part.strip(BLANKS) for part in LISTED.split(address)]
    if len(parts) > 1 and all(_is_address(part) for part in parts if part):
        raise EmailAmbiguous(expected="one address", received=address)
    if not _is_address(address):
        raise EmailInvalid(expected="an address such as nora@acme.example", received=address)
    return address.lower()


def _is_address(text: str) -> bool:
    return is_mail_address(text, is_ascii_only=True)


def _first(attributes: Mapping[str, tuple[str, ...]], names: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return the first of these attributes that has a value: to the letter if there is one, else in any capitals."""
    folded = {name.casefold(): name for name in reversed(list(attributes))}
    for name in names:
        sent = name if attributes.get(name) else folded.get(name.casefold(), "")
        values = tuple(value for value in attributes.get(sent, ()) if value.strip())
        if values:
            return sent, values
    return "", ()
