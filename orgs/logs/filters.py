"""The filters above a log, as a form that a query string fills: the URL of a page holds all that it shows."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from django import forms
from django.db.models import Model, QuerySet

from orgs.base.clock import now

AGES = {
    "hour": ("Last hour", timedelta(hours=1)),
    "day": ("Last 24 hours", timedelta(days=1)),
    "week": ("Last 7 days", timedelta(days=7)),
    "month": ("Last 30 days", timedelta(days=30)),
}
DAY = "%Y-%m-%d"


@dataclass(frozen=True, slots=True)
class LogFilter:
    """What a log shows; empty shows all. Each log adds its own fields. Times are in UTC, `until` is exclusive."""

    text: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def within(self, rows: "QuerySet[M]") -> "QuerySet[M]":
        """Return those rows that are of this time, by their column `at`."""
        if self.since is not None:
            rows = rows.filter(at__gte=self.since)
        return rows.filter(at__lt=self.until) if self.until is not None else rows


M = TypeVar("M", bound=Model)
F = TypeVar("F", bound=LogFilter)


class LogFilterForm(forms.Form, Generic[F]):
    """Search, time, and a log's own fields, each named as in its `filter_type`. What can't be read filters nothing."""

    filter_type: type[F]
    q = forms.CharField(required=False, max_length=256, label="Search")
    age = forms.ChoiceField(
        required=False, label="Time", choices=[("", "Any time"), *((name, label) for name, (label, _) in AGES.items())]
    )
    since = forms.DateField(
        required=False, label="From day", input_formats=[DAY], widget=forms.DateInput({"type": "date"}, format=DAY)
    )
    until = forms.DateField(
        required=False, label="To day", input_formats=[DAY], widget=forms.DateInput({"type": "date"}, format=DAY)
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = [name for name in self.fields if name not in LogFilterForm.base_fields]
        self.order_fields(["q", *own])

    def shown(self) -> F:
        """Return what to show."""
        given = self.given()
        own = {name: value for name, value in given.items() if name not in LogFilterForm.base_fields}
        return self.filter_type(text=given.get("q", ""), since=_since(given), until=_until(given), **own)

    def given(self) -> dict[str, Any]:
        """Return the values that could be read, by the names of their fields."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value not in ("", None, False)}

    @property
    def is_filtered(self) -> bool:
        return bool(self.given())

    @property
    def query(self) -> str:
        """Return the query string of these filters alone, without a page."""
        return urlencode({name: str(value) for name, value in self.given().items()})

    @property
    def own_fields(self) -> list[forms.BoundField]:
        """Return what is beside the search, in the order of the page."""
        return [field for field in self if field.name != "q"]


def _since(given: dict[str, Any]) -> datetime | None:
    starts = []
    if "age" in given:
        starts.append(now() - AGES[given["age"]][1])
    if "since" in given:
        starts.append(_midnight(given["since"]))
    return max(starts, default=None)


def _until(given: dict[str, Any]) -> datetime | None:
    last = given.get("until")
    if last is None or last == date.max:
        return None
    return _midnight(last + timedelta(days=1))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
