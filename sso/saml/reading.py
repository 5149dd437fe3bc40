"""How values are read out of signed bytes: whole texts, UTC times, and just one of what may be there once."""

import re
from datetime import UTC, datetime

from sso.identity.errors import SignInError
from sso.saml.errors import TimeBoundsMissing
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


def only(node: Element, name: str, problem: type[SignInError]) -> Element:
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
