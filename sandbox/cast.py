"""Who is in the demo. Their one password is for a machine of your own: the production settings refuse all of this."""

from dataclasses import dataclass

from orgs.people.types import Profile
from orgs.tenancy.types import Role
from sandbox.test_idp.types import IdpPerson

PASSWORD = "open-the-gate-42"  # noqa: S105 - printed by the demo
DOMAIN = "northwind.example"
STAFF = "support@gatehouse.example"


@dataclass(frozen=True, slots=True)
class DemoOrganization:
    """An organization of the demo, by whom it is owned."""

    slug: str
    name: str
    owner: Profile


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """Somebody to sign in as, and what they see then."""

    email: str
    sees: str


NORTHWIND = DemoOrganization(
    "northwind", "Northwind Labs", Profile(f"mara@{DOMAIN}", "Mara", "Lindgren", "Mara Lindgren")
)
EMPTYCO = DemoOrganization("emptyco", "Empty Co", Profile("ella@emptyco.example", "Ella", "Okonkwo", "Ella Okonkwo"))
# besides the owner, one person for each other role
COLLEAGUES = {
    Role.ADMIN: Profile(f"tomas@{DOMAIN}", "Tomás", "Ferreira", "Tomás Ferreira"),
    Role.USER: Profile(f"ines@{DOMAIN}", "Inès", "Benali", "Inès Benali"),
    Role.GUEST: Profile(f"yuki@{DOMAIN}", "Yuki", "Ōta", "Yuki Ōta"),
}
ACCOUNTS = (
    DemoAccount(NORTHWIND.owner.email, "owner of Northwind Labs, whose directory is in use"),
    *(DemoAccount(profile.email, f"{role.label.lower()} of Northwind Labs") for role, profile in COLLEAGUES.items()),
    DemoAccount(EMPTYCO.owner.email, "owner of Empty Co, where nothing is set up yet"),
    DemoAccount(STAFF, "support, at /admin/, after setting up a second factor"),
)


def person_of(profile: Profile) -> IdpPerson:
    """Return a member of the cast as somebody who can sign in at the IdP."""
    username = profile.email.partition("@")[0]
    return IdpPerson(profile.email, profile.given_name, profile.family_name, username, (NORTHWIND.name,))
