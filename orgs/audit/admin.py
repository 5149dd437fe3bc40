from django.contrib import admin

from orgs.audit.models import AuditEvent
from orgs.base.actor import ActorKind
from orgs.base.read_only_admin import ReadOnlyAdmin, choice, to_the_second

ByActor = choice("actor", "actor", {kind.value: (kind.value.title(), {"actor_kind": kind.value}) for kind in ActorKind})


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """The audit log; what it keeps holds no secret from the start."""

    fields = (
        "org",
        "public_id",
        "moment",
        "actor_kind",
        "actor_reference",
        "actor_label",
        "ip",
        "action",
        "target_kind",
        "target_id",
        "target_label",
        "before",
        "after",
        "request_id",
    )
    linked_by = ("org__id__exact",)
    list_display = ("moment", "org", "action", "target_label", "actor_label", "ip")
    list_filter = (ByActor, ("at", admin.DateFieldListFilter))
    search_fields = (
        "request_id__exact",
        "target_id__exact",
        "action",
        "target_label",
        "actor_label",
        "org__slug",
    )
    search_help_text = "Request id, public id, action, person, or organization's slug."

    @admin.display(description="at (UTC)")
    def moment(self, row: AuditEvent) -> str:
        return to_the_second(row.at)
