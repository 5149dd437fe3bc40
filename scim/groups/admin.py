from django.contrib import admin

from orgs.base.read_only_admin import ReadOnlyAdmin
from scim.groups.models import DirectoryGroup


@admin.register(DirectoryGroup)
class DirectoryGroupAdmin(ReadOnlyAdmin):
    fields = (
        "org",
        "directory",
        "group",
        "public_id",
        "external_id",
        "organization_role",
        "version",
        "created_at",
        "updated_at",
    )
    linked_by = ("org__id__exact", "directory__id__exact")
    list_display = ("group", "org", "external_id", "version", "updated_at")
    list_select_related = ("org", "group")
    search_fields = ("group__name_key", "external_id__exact", "org__name", "org__slug")
    search_help_text = "Name, externalId, SCIM id, or organization."
