"""Public ids are random UUIDs in canonical text."""

from uuid import UUID


def read_uuid(text: str) -> UUID | None:
    """Return the id that this text is in canonical form, or None: `{…}`, `urn:uuid:…` and 32 bare digits are no ids of ours."""
    try:
        parsed = UUID(text)
    except ValueError:
        return None
    return parsed if str(parsed) == text.lower() else None
