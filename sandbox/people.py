"""The demo's people as the test IdP knows them."""

from orgs.people.types import Profile
from sandbox.cast import NORTHWIND
from sandbox.test_idp.types import IdpPerson


def person_of(profile: Profile) -> IdpPerson:
    """Return a member of the cast as somebody who can sign in at the IdP."""
    username = profile.email.partition("@")[0]
    return IdpPerson(profile.email, profile.given_name, profile.family_name, username, (NORTHWIND.name,))
