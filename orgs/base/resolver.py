"""What DNS says about a name, within five seconds, as text that can be shown and stored."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver
from django.conf import settings
from django.utils.module_loading import import_string

LIFETIME_SECONDS = 5.0
MAX_VALUES = 50
MAX_LENGTH = 512


class DnsProblem(StrEnum):
    """Why there are no values. The first two are DNS's own answer; after the others nothing is known."""

    NO_SUCH_NAME = "no_such_name"
    NO_RECORD = "no_record"
    TIMEOUT = "timeout"
    SERVER_FAILURE = "server_failure"

    @property
    def is_answer(self) -> bool:
        """Return whether DNS has said that there is nothing, rather than said nothing."""
        return self in {DnsProblem.NO_SUCH_NAME, DnsProblem.NO_RECORD}


@dataclass(frozen=True, slots=True)
class TxtAnswer:
    """The TXT records of one name: at most 50 of at most 512 characters, and `problem` when there are none."""

    values: tuple[str, ...] = ()
    problem: DnsProblem | None = None


def patience() -> float:
    """Return until when an answer is waited for, by the monotonic clock; several look-ups can share it."""
    return time.monotonic() + LIFETIME_SECONDS


def lookup_txt(name: str, *, until: float | None = None) -> TxtAnswer:
    """Return the TXT records of exactly this name; nothing is raised. It takes until then at most, as `patience` gives it.

    The function that `TXT_LOOKUP` names answers: `ask_dns`, or what the sandbox and the tests have instead of DNS.
    """
    answer: TxtAnswer = import_string(settings.TXT_LOOKUP)(name, until=until)
    return answer


def ask_dns(name: str, *, until: float | None = None) -> TxtAnswer:
    """Return what the system's resolver says."""
    lifetime = max(0.0, (patience() if until is None else until) - time.monotonic())
    try:
        answer = system_resolver().resolve(dns.name.from_text(name), dns.rdatatype.TXT, lifetime=lifetime, search=False)
    except dns.resolver.NXDOMAIN:
        return TxtAnswer(problem=DnsProblem.NO_SUCH_NAME)
    except dns.resolver.NoAnswer:
        return TxtAnswer(problem=DnsProblem.NO_RECORD)
    except dns.exception.Timeout:
        return TxtAnswer(problem=DnsProblem.TIMEOUT)
    except (dns.exception.DNSException, OSError):
        return TxtAnswer(problem=DnsProblem.SERVER_FAILURE)
    # a long value comes in several strings, which belong together (RFC 7208 §3.3)
    return txt_answer(b"".join(record.strings).decode("utf-8", "replace") for record in answer)


def system_resolver() -> dns.resolver.Resolver:
    """Return a resolver with the system's settings as they are now, and without a memory: who checks wants news."""
    return dns.resolver.Resolver()


def txt_answer(values: Iterable[str]) -> TxtAnswer:
    """Return an answer with these values, of a bounded number and length, as text that can be shown."""
    shown = tuple(_printable(value[:MAX_LENGTH]) for value in list(values)[:MAX_VALUES])
    return TxtAnswer(shown) if shown else TxtAnswer(problem=DnsProblem.NO_RECORD)


def _printable(text: str) -> str:
    """Return text without what a page can't show and a database may refuse."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
