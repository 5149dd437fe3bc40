from django.contrib import admin

from orgs.base.read_only_admin import ReadOnlyAdmin, choice
from orgs.events.models import OutboxEvent

WAITING = {"delivered_at": None, "canceled_at": None, "failed_at": None}
ByOutcome = choice(
    "outcome",
    "outcome",
    {
        "waiting": ("Waiting", WAITING),
        "delivered": ("Delivered", {"delivered_at__isnull": False}),
        "canceled": ("Canceled", {"canceled_at__isnull": False}),
        "failed": ("Failed", {"failed_at__isnull": False}),
    },
)


@admin.register(OutboxEvent)
class OutboxEventAdmin(ReadOnlyAdmin):
    """Mail and other work that follows a commit, and how it went; without its payload."""

    fields = (
        "org",
        "public_id",
        "kind",
        "key",
        "created_at",
        "due_at",
        "sequence",
        "attempts",
        "leased_until",
        "delivered_at",
        "canceled_at",
        "failed_at",
        "last_error",
    )
    linked_by = ("org__id__exact",)
    list_display = ("kind", "key", "org", "due_at", "attempts", "delivered_at", "canceled_at", "failed_at")
    list_filter = (ByOutcome, ("due_at", admin.DateFieldListFilter))
    search_fields = ("kind", "key__exact", "org__slug")
    search_help_text = "Kind, key, organization's slug, or public id."
