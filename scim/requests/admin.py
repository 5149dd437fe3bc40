from django.contrib import admin
from django.db.models import Q

from orgs.base.read_only_admin import ReadOnlyAdmin, choice, to_the_second
from scim.requests.models import RefusedCalls, RequestLog
from scim.requests.types import read_id

ByOutcome = choice(
    "outcome",
    "outcome",
    {
        "ok": ("Done", {"status__lt": 400}),
        "failed": ("Failed", {"status__gte": 400}),
        "fault": ("Our own fault", {"status__gte": 500}),
    },
)
ByMethod = choice(
    "method", "verb", {verb: (verb, {"method": verb}) for verb in ("GET", "POST", "PUT", "PATCH", "DELETE")}
)


@admin.register(RequestLog)
class RequestLogAdmin(ReadOnlyAdmin):
    """Calls by identity providers; bodies are redacted before they are stored."""

    fields = (
        "org",
        "directory",
        "token",
        "public_id",
        "moment",
        "method",
        "path",
        "query",
        "status",
        "error_type",
        "detail",
        "remarks",
        "dialect",
        "step",
        "is_connection_test",
        "resource_id",
        "subject",
        "duration_ms",
        "answer_bytes",
        "total_results",
        "returned",
        "ip",
        "user_agent",
        "request_id",
        "request_body",
        "response_body",
    )
    linked_by = ("org__id__exact", "directory__id__exact", "token__id__exact")
    list_display = ("moment", "org", "method", "path", "status", "subject", "step", "request_id")
    list_filter = (ByOutcome, ByMethod, "is_connection_test", ("at", admin.DateFieldListFilter))
    search_fields = ("subject", "path", "org__name", "org__slug")
    search_help_text = "Request id, resource id, person or group, path, or organization."

    @admin.display(description="at (UTC)")
    def moment(self, row: RequestLog) -> str:
        return to_the_second(row.at)

    def exact_match(self, term: str) -> Q:
        """Return what a request id or a resource's id names."""
        named = read_id(term)
        return Q() if named is None else Q(public_id=named) | Q(resource_id=named)


@admin.register(RefusedCalls)
class RefusedCallsAdmin(ReadOnlyAdmin):
    """How often an endpoint was called without a live token, or with one that sent too much; a row for minute and cause."""

    fields = (
        "org",
        "directory",
        "token",
        "minute",
        "status",
        "cause",
        "count",
        "moment",
        "method",
        "path",
        "ip",
        "user_agent",
        "request_id",
    )
    linked_by = ("org__id__exact", "directory__id__exact", "token__id__exact")
    list_display = ("moment", "org", "status", "cause", "count", "ip")
    list_filter = (("minute", admin.DateFieldListFilter),)
    search_fields = ("cause", "org__name", "org__slug")
    search_help_text = "Cause, organization, or the request id of the newest call."

    @admin.display(description="newest (UTC)")
    def moment(self, row: RefusedCalls) -> str:
        return to_the_second(row.at)

    def exact_match(self, term: str) -> Q:
        named = read_id(term)
        return Q() if named is None else Q(request_id=named)
