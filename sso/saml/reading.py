"""How values are read out of signed bytes: whole texts, UTC times, and just one of what may be there once."""

import re
from datetime import UTC, datetime, timedelta

from sso.saml.errors import SamlError, TimeBoundsMissing
from sso.saml.markup import SAML, Element, children, text_of

BLANKS = " \t\r\n"
MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,12})?(?:Z|\+00:00)", re.ASCII)


def moment(text: str | None) -> datetime:
    """Return an xs:dateTime in UTC (SAML Core §1.3.3), to the microsecond. Raises TimeBoundsMissing for anything else."""
    match = MOMENT.fullmatch(text or "")
    if match is None:
        raise TimeBoundsMissing(expected="a time in UTC, such as 2026-01-31T12:00:00Z", received=text or "")
    try:
        whole = datetime.fromisoformat(match[1])
    except ValueError as error:
        raise TimeBoundsMissing(received=match[0]) from error
    return whole.replace(microsecond=int((match[2] or "")[1:7].ljust(6, "0")), tzinfo=UTC)


def stamp(when: datetime) -> str:
    """Return a time as it is shown to an admin."""
    return f"{when:%Y-%m-%d %H:%M:%S} UTC"


def apart_from(when: datetime, now: datetime) -> str:
    """Return a time with how far it is off: "2026-03-01 12:04:00 UTC, 4 minutes ahead of our clock"."""
    return f"{stamp(when)}, {_span(when - now)} {'ahead of' if when > now else 'behind'} our clock"


def _span(span: timedelta) -> str:
    seconds = abs(span) // timedelta(seconds=1)
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= 2 * size or seconds == size:
            return f"{seconds // size} {unit}{'' if seconds == size else 's'}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"


def only(node: Element, name: str, problem: type[SamlError]) -> Element:
    """Return the one child of this name in the assertion namespace. Raises the problem for none or several."""
    found = children(node, SAML, name)
    if len(found) != 1:
        raise problem(expected=f"one {name}", received=f"{len(found)}")
    return found[0]


def plain_text(node: Element) -> str | None:
    """Return the element's text without the blanks around it, which pretty-printers put there; None when it has children.

    Only XML's own four (XML 1.0 §2.3) are left out, so two texts that look alike stay two.
    """
    text = text_of(node)
    return None if text is None else text.strip(BLANKS)
