from django.contrib import admin

from orgs.base.read_only_admin import ReadOnlyAdmin
from orgs.domains.models import Domain


@admin.register(Domain)
class DomainAdmin(ReadOnlyAdmin):
    """Domains and their proof; the value to publish is the organization's to hand out."""

    fields = (
        "org",
        "public_id",
        "name",
        "state",
        "created_at",
        "verified_at",
        "last_checked_at",
        "last_outcome",
        "last_answer",
    )
    linked_by = ("org__id__exact",)
    list_display = ("name", "org", "state", "created_at", "verified_at", "last_checked_at", "last_outcome")
    list_filter = ("state", "last_outcome")
    search_fields = ("name_key", "org__name", "org__slug")
    search_help_text = "Domain, organization, or public id."
