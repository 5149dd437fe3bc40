"""`manage.py rotate_field_keys`: seal every secret under the first of FIELD_KEYS, so that the others can go."""

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError, CommandParser

from portal.field_keys import counting, rotation
from portal.field_keys.columns import Count
from portal.management.command import OperatorCommand, Report


class RotateFieldKeysCommand(OperatorCommand):
    """Exits 0 when the first key opens every value. Running it again goes on where it stopped."""

    help = "Seal every secret anew under the first of FIELD_KEYS. With --check, say how many are under other keys."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--check", action="store_true", help="change nothing, and say what would be sealed anew")

    def act(self, options: Mapping[str, Any]) -> Report:
        counts = counting.count_sealed() if options["check"] else rotation.reseal_everything()
        return {"ok": not any(each.other or each.broken for each in counts), "columns": [_row(each) for each in counts]}

    def describe(self, report: Report) -> str:
        return "\n".join(
            f"{row['column']}: {row['first']} under the first key, {row['other']} under others, "
            f"{row['broken']} that no key opens, {row['resealed']} rows sealed anew"
            for row in report["columns"]
        )

    def print(self, report: Report, *, is_json: bool) -> None:
        super().print(report, is_json=is_json)
        if not report["ok"]:
            raise CommandError(" ".join(filter(None, map(_advice, report["columns"]))))


def _row(count: Count) -> dict[str, Any]:
    return {
        "column": count.column.name,
        "first": count.first,
        "other": count.other,
        "broken": count.broken,
        "broken_ids": count.broken_ids,
        "resealed": count.resealed,
    }


def _advice(row: Mapping[str, Any]) -> str:
    if row["broken"]:
        return (
            f"{row['column']}: no key opens {row['broken']} values (rows {', '.join(map(str, row['broken_ids']))}). "
            "Put the key that sealed them into FIELD_KEYS again."
        )
    if row["other"]:
        return f"{row['column']}: {row['other']} values are under other keys than the first. Run rotate_field_keys."
    return ""


# Django looks for this name
Command = RotateFieldKeysCommand
