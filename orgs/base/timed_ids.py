"""Primary keys that begin with the time: rows of a log are stored, listed and dropped in the order of their ids.

63 bits: microseconds since 2020, which last until 2091, then 12 random ones. Two rows of one microsecond may draw the
same; who inserts them draws again (`orgs.base.writes`).
"""

from datetime import UTC, datetime, timedelta
from secrets import randbits

from orgs.base.clock import now

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
RANDOM_BITS = 12
LAST = 2**63 - 1


def first_id(moment: datetime) -> int:
    """Return the lowest id of this moment: rows since then have it or a higher one."""
    return min(max((moment - EPOCH) // MICROSECOND, 0) << RANDOM_BITS, LAST)


def timed_id(moment: datetime | None = None) -> int:
    """Return an id for a row of this moment, or of now."""
    return first_id(moment or now()) | randbits(RANDOM_BITS)


def moment_of(timed: int) -> datetime:
    """Return when a row with this id was made."""
    return EPOCH + (timed >> RANDOM_BITS) * MICROSECOND
