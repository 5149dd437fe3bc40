"""How a message that must be accepted is described: what it is, how it is signed, and what it says."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.vectors.saml.flavours import FORMAT, PASSWORD, Occasion
from tests.vectors.saml.signing import Style, sign

EMAIL = ("uma@acme.example",)
JUMPCLOUD = {"email": EMAIL, "firstname": ("Uma",), "lastname": ("Ünal",), "memberOf": ("Engineering", "R&D")}
# each assertion is over ten minutes after its issue at the latest, or five when it says so, and the skew later
AFTER_TEN = "2026-03-01T12:11:30+00:00"
AFTER_FIVE = "2026-03-01T12:06:30+00:00"
EVENING = "2026-03-01T20:00:00+00:00"


@dataclass(frozen=True)
class Good:
    """A message, how it is signed, and the claims that follow."""

    flavour: str
    assertion: Style | None
    response: Style | None = None
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: JUMPCLOUD)
    name_id: str = "uma@acme.example"
    name_id_format: str = f"{FORMAT}emailAddress"
    in_response_to: str = "_request-1"
    session_index: str = "_session-1"
    authn_context: str = PASSWORD
    issued_at: str = "2026-03-01T12:00:00+00:00"
    expires_at: str = AFTER_FIVE
    session_expires_at: str | None = None
    pinned: tuple[str, ...] = ("idp",)
    fraction: str = ".000"
    encoding: str = ""
    # whose, and what of it other IdPs don't do
    habit: str = ""

    def message(self) -> str:
        return sign(Occasion(fraction=self.fraction).fill(self.flavour), self.assertion, self.response)

    def written(self) -> bytes:
        """Return the bytes of the message, with a declaration where they are in another encoding."""
        if not self.encoding:
            return self.message().encode()
        return f'<?xml version="1.0" encoding="{self.encoding}"?>{self.message()}'.encode(self.encoding)

    def expected(self) -> dict[str, object]:
        """Return what is said, as JSON has it."""
        names = ("session_index", "authn_context")
        times = ("issued_at", "expires_at", "session_expires_at")
        signed = [name for name in ("assertion", "response") if getattr(self, name)]
        return {
            "assertion_id": "_assertion-1",
            "subject": self.name_id,
            "subject_format": self.name_id_format,
            "request_id": self.in_response_to,
            **{name: getattr(self, name) for name in names + times},
            "attributes": {name: list(values) for name, values in self.attributes.items()},
            "signed": signed,
            "pinned": list(self.pinned),
            **({"habit": self.habit} if self.habit else {}),
        }
