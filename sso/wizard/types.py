from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SetupStep:
    """One step as the stepper shows it; `url` where one may go there. state: done, current or todo."""

    label: str
    state: str = "todo"
    url: str = ""
