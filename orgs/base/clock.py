"""One clock, so that a test can set it. All times are UTC."""

from datetime import datetime

from django.utils import timezone


def now() -> datetime:
    """Return the current time, aware, in UTC."""
    return timezone.now()


def iso(moment: datetime) -> str:
    """Return RFC 3339 text with milliseconds and a Z."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
