"""`manage.py doctor`: what is wrong with this installation, and what to do about it."""

from collections.abc import Mapping
from typing import Any, NoReturn

from django.core.management.base import CommandError, CommandParser

from portal.field_keys.checks import sealed_values
from portal.management.command import OperatorCommand, Report
from portal.site import checks

DEEP = (sealed_values,)


class DoctorCommand(OperatorCommand):
    """Exits 0 when every check is ok, otherwise 1."""

    help = "Check database, schema, cache, static files, broker, worker, given-up work, clock, keys, base URL and mail."
    # it has to run where the things that it looks at are down
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--deep", action="store_true", help="also open every sealed value, which takes its time")

    def act(self, options: Mapping[str, Any]) -> Report:
        found = [check() for check in (*checks.ALL, *(DEEP if options["deep"] else ()))]
        rows = [{"name": each.name, "verdict": each.verdict, "advice": each.advice} for each in found]
        return {"ok": all(each.is_ok for each in found), "checks": rows}

    def describe(self, report: Report) -> str:
        lines = []
        for row in report["checks"]:
            lines.append(f"{row['name']:<10}{row['verdict']}")
            if row["advice"]:
                lines.append(f"{'':<10}{row['advice']}")
        return "\n".join(lines)

    def print(self, report: Report, *, is_json: bool) -> None:
        super().print(report, is_json=is_json)
        if not report["ok"]:
            self._fail(report)

    def _fail(self, report: Report) -> NoReturn:
        wrong = [row for row in report["checks"] if row["verdict"] != "ok"]
        raise CommandError("; ".join(f"{row['name']}: {row['verdict']}. {row['advice']}".rstrip() for row in wrong))


# Django looks for this name
Command = DoctorCommand
