from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet, Sum, Window

from orgs.base.text import text_key
from orgs.tenancy.models import Organization
from scim.requests.models import RequestLog
from scim.requests.types import EXPORTED, RESOURCES, Refusals, RequestFilter


def list_requests(org: Organization, shown: RequestFilter) -> QuerySet[RequestLog]:
    """Return the calls to an organization's directories."""
    rows = _of_kind(shown.within(RequestLog.objects.filter(org=org)), shown)
    if shown.status == "ok":
        rows = rows.filter(status__lt=400)
    elif shown.status == "failed":
        rows = rows.filter(status__gte=400)
    elif shown.status.isascii() and shown.status.isdigit() and len(shown.status) == 3:
        rows = rows.filter(status=int(shown.status))
    if key := text_key(shown.text):
        exact = shown.text.strip()
        rows = rows.filter(Q(subject_key__contains=key) | Q(resource_id=exact) | Q(request_id=exact))
    return rows.select_related("token")


def _of_kind(rows: QuerySet[RequestLog], shown: RequestFilter) -> QuerySet[RequestLog]:
    if shown.method:
        rows = rows.filter(method=shown.method)
    if shown.resource in RESOURCES:
        rows = rows.filter(path__istartswith=RESOURCES[shown.resource])
    return rows


def exported(row: RequestLog) -> Mapping[str, str]:
    """Return the cells of one call in a file of the log."""
    return {name: text_of(getattr(row, name)) for name in EXPORTED} | {
        "at": row.at.isoformat(),
        "token": row.token.label if row.token else "",
    }


def text_of(value: object) -> str:
    return "" if value is None else str(value)


def find_request(org: Organization, public_id: UUID) -> RequestLog | None:
    return RequestLog.objects.filter(org=org, public_id=public_id).select_related("token").first()


def authenticated(directory_id: int) -> QuerySet[RequestLog]:
    """Return calls that came with a live token, newest first."""
    return RequestLog.objects.filter(directory_id=directory_id, token__isnull=False).order_by("-id")


def first_request(directory_id: int) -> RequestLog | None:
    """Return the oldest call that came with a live token."""
    return authenticated(directory_id).last()


def latest_request(directory_id: int) -> RequestLog | None:
    """Return the newest call that came with a live token."""
    return authenticated(directory_id).first()


def refusals_since(directory_id: int, since: datetime) -> Refusals | None:
    """Return what came without a live token since then: how many calls, and the newest row; None when none did."""
    rows = RequestLog.objects.filter(directory_id=directory_id, status=401, token=None, at__gt=since)
    newest = rows.annotate(total=Window(Sum("count"))).order_by("-id").first()
    return Refusals(newest.total, newest) if newest is not None else None


def counted_with(row: RequestLog) -> QuerySet[RequestLog]:
    """Return the row in which a refused call of this minute and cause is counted."""
    return RequestLog.objects.filter(org_id=row.org_id, directory_id=row.directory_id, public_id=row.public_id)


def about_same_thing(row: RequestLog, since: datetime) -> QuerySet[RequestLog]:
    """Return calls of the same directory since then about the same resource, by its id or by its name."""
    same = Q(resource_id=row.resource_id)
    if row.subject_key:
        same |= Q(subject_key=row.subject_key)
    return RequestLog.objects.filter(same, directory_id=row.directory_id, at__gte=since)


def latest_of(directory_id: int, count: int) -> QuerySet[RequestLog]:
    """Return the newest calls of one directory, refused ones included."""
    return RequestLog.objects.filter(directory_id=directory_id).order_by("-id")[:count]
