from django.contrib import admin

from orgs.base.read_only_admin import ReadOnlyAdmin
from sso.signin_tests.models import SignInTest


@admin.register(SignInTest)
class SignInTestAdmin(ReadOnlyAdmin):
    """Test sign-ins by admins; what the IdP said of the person stays with the organization."""

    fields = (
        "org",
        "connection",
        "configuration",
        "revision",
        "public_id",
        "status",
        "started_by_label",
        "started_at",
        "finished_at",
        "attempt",
        "preview",
        "preview_reason",
    )
    linked_by = ("org__id__exact", "connection__id__exact")
    list_display = ("started_at", "org", "connection", "status", "started_by_label")
    list_filter = ("status",)
    list_select_related = ["org", "connection"]
    search_fields = ("started_by_label", "connection__name", "org__name", "org__slug")
    search_help_text = "Who began it, connection, organization, or public id."
