"""The bodies that JumpCloud sends, in the shapes that were captured from it."""

from collections.abc import Mapping, Sequence

from orgs.providers.people import MadeUpPerson
from orgs.providers.templates import ENTERPRISE, GROUP, PATCH_OP, USER, Json

Body = Mapping[str, Json]


def new_user(person: MadeUpPerson) -> Body:
    """Return the body of `POST /Users`: it names the enterprise schema even when it has nothing of it."""
    return {
        **_always(person, is_active=True),
        "addresses": [{"country": "US", "locality": "Boulder", "postalCode": "80302", "primary": True, "region": "CO",
                       "streetAddress": "1 Sample Street", "type": "work"}],
        "phoneNumbers": [{"primary": True, "type": "work", "value": "tel:+1-555-555-0100"}],
        "schemas": [USER, ENTERPRISE],
    }  # fmt: skip


def whole_user(person: MadeUpPerson, id_template: str, *, is_active: bool = True) -> Body:
    """Return the body of `PUT /Users/<id>`: the whole resource, with its id, and empty lists for what is unassigned."""
    return {
        **_always(person, is_active=is_active),
        "id": id_template,
        "addresses": [],
        "phoneNumbers": [],
        "photos": [],
        "title": person.title,
        "schemas": [ENTERPRISE, USER],
        ENTERPRISE: {"department": person.department},
    }


def bare_user(person: MadeUpPerson, id_template: str, *, is_active: bool = True) -> Body:
    """Return the other body of `PUT /Users/<id>`: little more than the name, and null for the e-mails."""
    return {
        "active": is_active,
        "emails": None,
        "id": id_template,
        "name": _name(person),
        "schemas": [USER],
        "userName": person.user_name,
    }


def group(name: str, *members: str, id_template: str = "") -> Body:
    """Return the body of `POST /Groups`, and with an id that of `PUT /Groups/<id>`: members have a value only."""
    identity: Body = {"id": id_template} if id_template else {}
    return {**identity, "displayName": name, "members": values(members), "schemas": [GROUP]}


def patch(*operations: Body) -> Body:
    """Return the body of a PATCH."""
    return {"schemas": [PATCH_OP], "Operations": list(operations)}


def values(members: Sequence[str]) -> Json:
    """Return members as JumpCloud writes them: objects with a value and nothing else."""
    return [{"value": member} for member in members]


def _always(person: MadeUpPerson, *, is_active: bool) -> Body:
    return {
        "active": is_active,
        "displayName": person.display_name,
        "emails": [{"primary": True, "type": "work", "value": person.user_name}],
        "externalId": person.external_id,
        "locale": "en-US",
        "name": _name(person),
        "preferredLanguage": "en-US",
        "userName": person.user_name,
    }


def _name(person: MadeUpPerson) -> Body:
    return {"familyName": person.family_name, "givenName": person.given_name}
