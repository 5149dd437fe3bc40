"""People and groups that nobody is: made up, and the same ones every time, so that a second push finds the first."""

from dataclasses import dataclass
from hashlib import sha256

GIVEN_NAMES = (
    "Ada", "Bruno", "Chidi", "Dalia", "Emil", "Farah", "Goran", "Hana", "Imani", "Jonas", "Keiko", "Lars",
    "Maya", "Nadia", "Omar", "Priya", "Quentin", "Rosa", "Soren", "Tala", "Umar", "Vera", "Wanda", "Yusuf",
)  # fmt: skip
FAMILY_NAMES = (
    "Adler", "Banerjee", "Castillo", "Dupont", "Eriksen", "Fischer", "Gupta", "Haddad", "Ivanova", "Jansen", "Kimura",
    "Lindqvist", "Moreau", "Nakamura", "Okafor", "Petrov", "Quiroga", "Rossi", "Silva", "Tanaka", "Ueda", "Varga",
    "Weber", "Zhang",
)  # fmt: skip
JOBS = (
    ("Engineer", "Engineering"), ("Account manager", "Sales"), ("Support agent", "Support"),
    ("Designer", "Design"), ("Accountant", "Finance"),
)  # fmt: skip
GROUP_NAMES = ("Engineering", "Sales", "Support", "Design", "Finance", "Operations", "Legal", "Marketing")


@dataclass(frozen=True, slots=True)
class MadeUpPerson:
    """One person of a directory. Every text may be a template of a step."""

    user_name: str
    given_name: str
    family_name: str
    external_id: str
    title: str = ""
    department: str = ""

    @property
    def display_name(self) -> str:
        """Return the name as it is shown."""
        return f"{self.given_name} {self.family_name}"

    @property
    def key(self) -> str:
        """Return the context name under which a sequence keeps this person's SCIM id."""
        return f"user_{self.external_id}"


@dataclass(frozen=True, slots=True)
class PushedGroup:
    """One group of a directory, with those who belong to it."""

    name: str
    members: tuple[MadeUpPerson, ...] = ()

    @property
    def key(self) -> str:
        """Return the context name under which a sequence keeps this group's SCIM id."""
        return f"group_{object_id(self.name)}"


def object_id(text: str) -> str:
    """Return 24 hex digits, the form of JumpCloud's own ids; the same text gives the same id."""
    return sha256(text.casefold().encode()).hexdigest()[:24]


def made_up_people(count: int, domain: str, seed: int = 0) -> tuple[MadeUpPerson, ...]:
    """Return so many different people at a domain. The same count, domain and seed give the same people."""
    return tuple(_made_up_person(number, domain, seed) for number in range(count))


def made_up_groups(count: int, people: tuple[MadeUpPerson, ...]) -> tuple[PushedGroup, ...]:
    """Return so many groups that share out the people; every fourth person is in two of them."""
    return tuple(
        PushedGroup(
            GROUP_NAMES[number] if number < len(GROUP_NAMES) else f"Team {number + 1}",
            tuple(
                person
                for place, person in enumerate(people)
                if place % count == number or (place % 4 == 0 and (place + 1) % count == number)
            ),
        )
        for number in range(count)
    )


def _made_up_person(number: int, domain: str, seed: int) -> MadeUpPerson:
    # 24 and 25 have no common factor, so the names of 576 people in a row are all different
    given = GIVEN_NAMES[(number + seed) % len(GIVEN_NAMES)]
    lap = number // len(GIVEN_NAMES)
    family = FAMILY_NAMES[(number + seed + lap) % len(FAMILY_NAMES)]
    repeat = number // (len(GIVEN_NAMES) * len(FAMILY_NAMES))
    address = f"{given}.{family}{repeat + 1 if repeat else ''}@{domain}".lower()
    title, department = JOBS[number % len(JOBS)]
    return MadeUpPerson(address, given, family, object_id(address), title, department)
