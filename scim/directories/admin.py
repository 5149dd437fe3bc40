from django.contrib import admin

from orgs.base.read_only_admin import ReadOnlyAdmin
from scim.directories import queries
from scim.directories.models import Directory, ScimToken


@admin.register(Directory)
class DirectoryAdmin(ReadOnlyAdmin):
    fields = ("org", "public_id", "base_url", "name", "state", "created_at")
    linked_by = ("org__id__exact",)
    list_display = ("name", "org", "public_id", "state", "created_at")
    list_filter = ("state",)
    search_fields = ("org__name", "org__slug", "name")
    search_help_text = "Organization, name, or the id at the end of the Base URL."

    @admin.display(description="SCIM Base URL")
    def base_url(self, directory: Directory) -> str:
        return queries.base_url(directory)


@admin.register(ScimToken)
class ScimTokenAdmin(ReadOnlyAdmin):
    """Tokens by prefix and last four characters: what opens the endpoint can't be read here, nor its digest."""

    fields = (
        "org",
        "directory",
        "public_id",
        "label",
        "prefix",
        "last4",
        "standing",
        "created_at",
        "created_by",
        "created_by_label",
        "expires_at",
        "revoked_at",
        "saved_at",
        "last_used_at",
        "last_used_ip",
    )
    linked_by = ("org__id__exact", "directory__id__exact")
    list_display = ("label", "prefix", "last4", "org", "standing", "expires_at", "last_used_at", "last_used_ip")
    list_filter = (
        ("revoked_at", admin.EmptyFieldListFilter),
        ("last_used_at", admin.EmptyFieldListFilter),
        ("expires_at", admin.DateFieldListFilter),
    )
    search_fields = ("label", "prefix__exact", "last4__exact", "org__name", "org__slug", "created_by_label")
    search_help_text = "Label, last four characters, organization, person who made it, or public id."

    @admin.display(description="state")
    def standing(self, token: ScimToken) -> str:
        return queries.token_state(token).label
