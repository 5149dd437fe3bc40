from django.contrib import admin

from orgs.base.read_only_admin import ReadOnlyAdmin, ReadOnlyInline
from orgs.tenancy.models import (
    AddressVerification,
    Membership,
    MembershipAddress,
    Organization,
    RoleGrant,
    Suspension,
    User,
)


class AddressVerificationInline(ReadOnlyInline):
    model = AddressVerification
    fields = ("address_key", "verified_at")
    verbose_name_plural = "verified addresses"


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """Accounts, without their password hash, factors and sessions."""

    fields = (
        "public_id",
        "email",
        "made_by_org",
        "is_active",
        "is_staff",
        "date_joined",
        "last_login",
        "address_lost_at",
    )
    inlines = (AddressVerificationInline,)
    list_display = ("email", "is_active", "is_staff", "date_joined", "last_login")
    list_filter = ("is_active", "is_staff")
    list_select_related = False
    # an unverified address has no key
    search_fields = ("email_key", "email")
    search_help_text = "Address, or public id."


@admin.register(Organization)
class OrganizationAdmin(ReadOnlyAdmin):
    fields = ("public_id", "name", "slug", "created_at")
    list_display = ("name", "slug", "created_at")
    list_select_related = False
    date_hierarchy = "created_at"
    search_fields = ("name", "slug")
    search_help_text = "Name, slug, or public id."


class RoleGrantInline(ReadOnlyInline):
    model = RoleGrant
    fields = ("role", "source", "reference", "created_at")
    verbose_name_plural = "reasons for the role"


class SuspensionInline(ReadOnlyInline):
    model = Suspension
    fields = ("source", "reason", "created_at")
    verbose_name_plural = "reasons for a suspension"


class MembershipAddressInline(ReadOnlyInline):
    model = MembershipAddress
    fields = ("address", "kind", "created_at")
    verbose_name_plural = "addresses"


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    """Memberships, each with the reasons for its role and its state."""

    fields = (
        "org",
        "public_id",
        "user",
        "email",
        "given_name",
        "family_name",
        "display_name",
        "role",
        "state",
        "origins",
        "created_at",
        "joined_at",
        "last_sign_in_at",
    )
    inlines = (RoleGrantInline, SuspensionInline, MembershipAddressInline)
    linked_by = ("org__id__exact", "user__id__exact")
    list_display = ("email", "display_name", "org", "role", "state", "origins", "last_sign_in_at")
    list_filter = ("state", "role")
    search_fields = ("email_key", "name_key", "org__name", "org__slug")
    search_help_text = "Address, name, organization, or public id."
