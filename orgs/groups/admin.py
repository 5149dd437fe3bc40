from django.contrib import admin

from orgs.base.read_only_admin import ReadOnlyAdmin
from orgs.groups.models import Group, GroupMember


@admin.register(Group)
class GroupAdmin(ReadOnlyAdmin):
    fields = ("org", "public_id", "name", "source", "created_at", "updated_at")
    linked_by = ("org__id__exact",)
    list_display = ("name", "org", "source", "updated_at")
    list_filter = ("source",)
    search_fields = ("name_key", "org__name", "org__slug")
    search_help_text = "Name, organization, or public id."


@admin.register(GroupMember)
class GroupMemberAdmin(ReadOnlyAdmin):
    """A list of its own: a group of 50,000 doesn't fit on the group's page."""

    fields = ("org", "group", "membership", "created_at")
    linked_by = ("org__id__exact", "group__id__exact", "membership__id__exact")
    list_display = ("membership", "group", "org", "created_at")
    list_select_related = ("org", "group", "membership")
    search_fields = ("membership__email_key", "group__name_key", "org__slug")
    search_help_text = "Address, group, or organization's slug."
