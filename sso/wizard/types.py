from dataclasses import dataclass

from orgs.providers.attributes import AttributeRow
from sso.signin_tests.types import ProfileRow


@dataclass(frozen=True, slots=True)
class SetupStep:
    """One step as the stepper shows it; `url` where one may go there. state: done, current or todo."""

    label: str
    state: str = "todo"
    url: str = ""


@dataclass(frozen=True, slots=True)
class AttributeLine:
    """One attribute to send, and what the newest test read for its field; None before there was one."""

    row: AttributeRow
    received: ProfileRow | None
