from django.contrib import admin

from orgs.base.read_only_admin import ReadOnlyAdmin
from scim.rehearsal.models import Rehearsal


@admin.register(Rehearsal)
class RehearsalAdmin(ReadOnlyAdmin):
    fields = (
        "org",
        "directory",
        "public_id",
        "provider",
        "with_groups",
        "state",
        "steps",
        "asked_by_label",
        "asked_at",
        "started_at",
        "ended_at",
    )
    linked_by = ("org__id__exact", "directory__id__exact")
    list_display = ("org", "provider", "with_groups", "state", "asked_by_label", "asked_at", "ended_at")
    list_filter = ("state", "provider")
    search_fields = ("org__name", "org__slug", "asked_by_label")
    search_help_text = "Organization, or who asked for it."
