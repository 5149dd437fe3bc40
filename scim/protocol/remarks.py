"""What of a request was not taken as it was sent: the log names it, so that an admin sees why something is missing."""

from dataclasses import dataclass, field

MOST_NAMES = 20
LONGEST_NAME = 80


@dataclass(slots=True)
class Remarks:
    """Filled while a body is read. `ignored` are attributes that the service doesn't have, `left_out` values too long for it."""

    ignored: dict[str, None] = field(default_factory=dict)
    left_out: dict[str, None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def ignore(self, name: str) -> None:
        self.ignored[name[:LONGEST_NAME]] = None

    def leave_out(self, name: str) -> None:
        self.left_out[name[:LONGEST_NAME]] = None

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)

    def text(self) -> str:
        """Return one line for the log, empty when everything was taken."""
        parts = list(self.notes)
        if self.ignored:
            parts.append(f"Ignored, because there are no such attributes here: {_listed(self.ignored)}.")
        if self.left_out:
            parts.append(f"Left out, because they are too long: {_listed(self.left_out)}.")
        return " ".join(parts)


def _listed(names: dict[str, None]) -> str:
    shown = list(names)[:MOST_NAMES]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
