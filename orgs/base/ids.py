"""Public ids are random UUIDs in canonical text."""

from uuid import UUID

NIL = UUID(int=0)


def read_uuid(text: str) -> UUID:
    """Return the id that this text is in canonical form, else the nil UUID, which no row has.

    `{…}`, `urn:uuid:…` and 32 bare digits are other spellings, and so no ids of ours.
    """
    try:
        parsed = UUID(text)
    except ValueError:
        return NIL
    return parsed if str(parsed) == text.lower() else NIL
