"""What each page of a log does, from a description of the log."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from django.db.models import Model, QuerySet
from django.http import StreamingHttpResponse

from orgs.logs.export import Cells, as_csv, as_json, read_portions
from orgs.logs.filters import LogFilter, LogFilterForm
from orgs.logs.paging import PAGE_SIZE, read_page
from orgs.tenancy.access import OrgRequest
from orgs.tenancy.models import Organization

M = TypeVar("M", bound=Model)
F = TypeVar("F", bound=LogFilter)
ExportKind = Literal["csv", "json"]
MEDIA_TYPES = {"csv": "text/csv", "json": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Log(Generic[M, F]):
    """A log: the form of its filters, its rows, and what a file of it has, column by column.

    `name` begins the file's name; `not_exported` are fields of a row that `cells` never reads.
    """

    name: str
    form: type[LogFilterForm[F]]
    find: Callable[[Organization, F], QuerySet[M]]
    columns: Sequence[str]
    cells: Callable[[M], Cells]
    not_exported: Sequence[str] = ()
    page_size: int = PAGE_SIZE


def page_context(request: OrgRequest, log: Log[M, F]) -> dict[str, Any]:
    """Return the context of the log's page: `form`, `page`."""
    form = log.form(request.GET)
    rows = log.find(request.org, form.shown())
    page = read_page(rows, org_id=request.org.pk, asked=request.GET, page_size=log.page_size)
    return {"form": form, "page": page}


def export(request: OrgRequest, log: Log[M, F], kind: ExportKind) -> StreamingHttpResponse:
    """Return the rows that the filters show, up to a limit, as a file."""
    rows = log.find(request.org, log.form(request.GET).shown()).defer(*log.not_exported)
    portions = read_portions(rows, log.cells)
    parts = as_csv(log.columns, portions) if kind == "csv" else as_json(portions)
    response = StreamingHttpResponse(parts, content_type=f"{MEDIA_TYPES[kind]}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{log.name}-{request.org.slug}.{kind}"'
    return response
