from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orgs.events.models import OutboxEvent

# the name under which workers know the task that delivers what is due
DRAIN = "orgs.events.drain_outbox"
# mail to the person of an account, which belongs to no organization
ACCOUNT_MAIL = "account.mail"
# the heartbeat of workers, written every 15 seconds
WORKER = "worker"
HEARTBEAT_OVERDUE = timedelta(minutes=1)
Delivery = Callable[["OutboxEvent"], None]
_deliveries: dict[str, Delivery] = {}


def delivers(kind: str) -> Callable[[Delivery], Delivery]:
    """Mark the function that does the work of one kind of outbox event. It may run twice: it must be re-entrant."""

    def register(delivery: Delivery) -> Delivery:
        _deliveries[kind] = delivery
        return delivery

    return register


def delivery_of(kind: str) -> Delivery:
    """Raises LookupError when no loaded app delivers this kind."""
    return _deliveries[kind]


class Postponed(Exception):
    """The work isn't done yet, by a bound and not by a fault: it is tried again at that time, and no try is used up."""

    def __init__(self, until: datetime, reason: str) -> None:
        self.until = until
        self.reason = reason
        super().__init__(reason)


class DeliveryTooLate(Exception):
    """The work is of no use any more, so that it is left undone for good."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Mail:
    """A message made from templates/emails/<template>.txt; its first line is the subject."""

    template: str
    to: str
    context: dict[str, object]


@dataclass(frozen=True, slots=True)
class TextMail:
    """A message that is ready to be sent."""

    to: str
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Backlog:
    """What the outbox holds; `oldest_seconds` is how late the oldest due event is."""

    waiting: int
    given_up: int
    oldest_seconds: float


class DeliveryRefused(Exception):
    """The other side refuses for good, so that another attempt would end in the same way. `code` is its number."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(str(code))
