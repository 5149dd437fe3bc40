from django.contrib import admin

from orgs.base.read_only_admin import ReadOnlyAdmin, choice, to_the_second
from scim.requests.models import RequestLog

ByOutcome = choice(
    "outcome",
    "outcome",
    {
        "ok": ("Done", {"status__lt": 400}),
        "failed": ("Failed", {"status__gte": 400}),
        "refused": ("Refused: no live token", {"status": 401}),
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
        "count",
        "method",
        "path",
        "query",
        "status",
        "error_type",
        "detail",
        "dialect",
        "step",
        "is_connection_test",
        "resource_id",
        "subject",
        "duration_ms",
        "ip",
        "user_agent",
        "request_id",
        "request_body",
        "response_body",
    )
    linked_by = ("org__id__exact", "directory__id__exact", "token__id__exact")
    list_display = ("moment", "org", "method", "path", "status", "count", "subject", "step", "request_id")
    list_filter = (ByOutcome, ByMethod, "is_connection_test", ("at", admin.DateFieldListFilter))
    search_fields = ("request_id__exact", "resource_id__exact", "subject_key", "path", "org__name", "org__slug")
    search_help_text = "Request id, person or group, path, organization, or public id."

    @admin.display(description="at (UTC)")
    def moment(self, row: RequestLog) -> str:
        return to_the_second(row.at)
