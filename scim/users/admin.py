from django.contrib import admin

from orgs.base.read_only_admin import ReadOnlyAdmin
from scim.users.models import DirectoryUser


@admin.register(DirectoryUser)
class DirectoryUserAdmin(ReadOnlyAdmin):
    """People as their identity provider names them, without the document that it sent."""

    fields = (
        "org",
        "directory",
        "membership",
        "public_id",
        "user_name",
        "external_id",
        "active",
        "version",
        "made_membership",
        "created_at",
        "updated_at",
    )
    linked_by = ("org__id__exact", "directory__id__exact", "membership__id__exact")
    list_display = ("user_name", "org", "membership", "external_id", "active", "updated_at")
    list_filter = ("active",)
    list_select_related = ("org", "membership")
    search_fields = ("user_name_key", "external_id__exact", "org__name", "org__slug")
    search_help_text = "userName, externalId, SCIM id, or organization."
