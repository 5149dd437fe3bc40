"""`manage.py outbox`: what waits to be delivered and what was given up; try it again, or leave it undone."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser
from django.db.models import QuerySet

from orgs.base.clock import iso
from orgs.events import queries, services
from orgs.events.models import OutboxEvent
from portal.management.command import OperatorCommand, Report, organization

SHOWN = 200


class OutboxCommand(OperatorCommand):
    """Mail to an account has no organization; what an event holds is never printed."""

    help = "List outbox events that wait or were given up; retry or cancel them."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("action", choices=("list", "retry", "cancel"))
        parser.add_argument("ids", nargs="*", type=UUID, metavar="ID", help="public ids, as `list` prints them")
        parser.add_argument("--given-up", action="store_true", help="all that were given up, instead of ids")
        parser.add_argument("--org", metavar="SLUG", help="only events of this organization")

    def act(self, options: Mapping[str, Any]) -> Report:
        found = queries.given_up() if options["given_up"] else queries.pending()
        if options["org"]:
            found = found.filter(org=organization(options["org"]))
        if options["action"] == "list":
            return self._list(found)
        chosen = self._choose(found, options)
        if options["action"] == "retry":
            return {"retried": services.retry(events=chosen)}
        return {"canceled": services.cancel_events(events=chosen)}

    def _list(self, found: QuerySet[OutboxEvent]) -> Report:
        rows = list(found.select_related("org").order_by("due_at", "id")[:SHOWN])
        return {"total": found.count(), "events": [_as_json(row) for row in rows]}

    def _choose(self, found: QuerySet[OutboxEvent], options: Mapping[str, Any]) -> QuerySet[OutboxEvent]:
        """Return the events to act on.

        Raises CommandError when none is named, or when one isn't pending or is being delivered now.
        """
        ids: Sequence[UUID] = options["ids"]
        if bool(ids) == options["given_up"]:
            raise CommandError(f"Name what to {options['action']}: either ids, or --given-up.")
        if not ids:
            return found
        chosen = found.filter(public_id__in=ids)
        missing = set(ids).difference(chosen.values_list("public_id", flat=True))
        if missing:
            raise CommandError(f"No event that waits or was given up has the id {min(map(str, missing))}.")
        leased = set(ids).difference(queries.idle(chosen).values_list("public_id", flat=True))
        if leased:
            raise CommandError(f"A worker is delivering {min(map(str, leased))} now. Try again in two minutes.")
        return chosen

    def describe(self, report: Report) -> str:
        if "events" not in report:
            return super().describe(report)
        shown = ("id", "state", "kind", "due_at", "last_error")
        lines = ["  ".join(str(row[name]) for name in shown) for row in report["events"]]
        return "\n".join([*lines, f"{report['total']} in all"])


def _as_json(event: OutboxEvent) -> dict[str, object]:
    return {
        "id": str(event.public_id),
        "state": "given up" if event.failed_at else "waiting",
        "kind": event.kind,
        "key": event.key,
        "org": event.org.slug if event.org else None,
        "attempts": event.attempts,
        "due_at": iso(event.due_at),
        "last_error": event.last_error,
    }


# Django looks for this name
Command = OutboxCommand
