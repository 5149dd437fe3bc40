from django.contrib import admin

from orgs.base.read_only_admin import ReadOnlyAdmin
from orgs.people.models import Invitation


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """Who has been asked to join, and whether the mail has left; never what opens the link."""

    fields = ("org", "membership", "public_id", "created_at", "delayed_until", "sent_at", "expires_at", "accepted_at")
    linked_by = ("org__id__exact",)
    list_display = ("membership", "org", "created_at", "delayed_until", "sent_at", "expires_at")
    list_filter = (("sent_at", admin.EmptyFieldListFilter), ("expires_at", admin.DateFieldListFilter))
    list_select_related = ("org", "membership")
    search_fields = ("membership__email_key", "org__name", "org__slug")
    search_help_text = "Address, organization, or public id."
