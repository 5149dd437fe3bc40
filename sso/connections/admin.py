from django.contrib import admin
from django.db.models import QuerySet
from django.template.response import TemplateResponse

from orgs.base.actor import Actor
from orgs.base.read_only_admin import AdminRequest, ConfirmedAct, ReadOnlyAdmin, ReadOnlyInline, run_confirmed
from sso.connections import queries, services
from sso.connections.models import Configuration, Connection, IdpCertificate, SamlIdentity, SpKey
from sso.connections.types import IDP_FIELDS


class ConfigurationInline(ReadOnlyInline):
    model = Configuration
    fields = ("number", "stage", "idp_entity_id", "metadata_source", "tested_at", "tested_by", "in_force_at")
    verbose_name_plural = "versions"


class SpKeyInline(ReadOnlyInline):
    model = SpKey
    fields = ("state", "fingerprint", "not_after", "created_at")
    verbose_name_plural = "our keys"


@admin.register(Connection)
class ConnectionAdmin(ReadOnlyAdmin):
    """Connections, without their private keys."""

    fields = (
        "org",
        "public_id",
        "name",
        "provider",
        "state",
        "setup_step",
        "jit",
        "jit_until_directory",
        "default_role",
        "allow_idp_initiated",
        "acs_url",
        "created_at",
        "turned_on_at",
    )
    inlines = (ConfigurationInline, SpKeyInline)
    linked_by = ("org__id__exact",)
    list_display = ("name", "org", "provider", "state", "jit", "turned_on_at")
    list_filter = ("state",)
    search_fields = ("name", "org__name", "org__slug")
    search_help_text = "Name, organization, or the id in the ACS URL."

    @admin.display(description="ACS URL")
    def acs_url(self, connection: Connection) -> str:
        return queries.addresses(connection).acs_url


class IdpCertificateInline(ReadOnlyInline):
    model = IdpCertificate
    fields = ("subject", "key", "fingerprint", "not_before", "not_after")
    verbose_name_plural = "certificates"


@admin.register(Configuration)
class ConfigurationAdmin(ReadOnlyAdmin):
    """The versions of every connection: whom each trusts, and what it reads."""

    fields = (
        "org",
        "connection",
        "number",
        "revision",
        "stage",
        *IDP_FIELDS,
        "created_at",
        "tested_at",
        "tested_by",
        "in_force_at",
    )
    inlines = (IdpCertificateInline,)
    linked_by = ("org__id__exact", "connection__id__exact")
    list_display = ("connection", "number", "org", "stage", "idp_entity_id", "tested_at", "in_force_at")
    list_filter = ("stage",)
    list_select_related = ["org", "connection"]
    search_fields = ("idp_entity_id", "connection__name", "org__name", "org__slug")
    search_help_text = "IdP Entity ID, connection, or organization."


def _forget(identity: SamlIdentity, actor: Actor) -> None:
    services.forget_identity(
        connection=identity.connection, membership=identity.membership, name_id=identity.name_id, actor=actor
    )


FORGET = ConfirmedAct(
    "forget_name_id",
    "Whoever signs in next with the address of such a member is taken for that member, with their role and groups, and "
    "their Name ID is linked anew. Confirm only when the organization says that it is the same person.",
    _forget,
)


@admin.register(SamlIdentity)
class SamlIdentityAdmin(ReadOnlyAdmin):
    """Which NameID is which membership."""

    actions = ("forget_name_id",)
    fields = ("org", "connection", "membership", "name_id", "name_id_format", "created_at", "last_seen_at")
    linked_by = ("org__id__exact", "connection__id__exact", "membership__id__exact")
    list_display = ("name_id", "membership", "connection", "org", "last_seen_at")
    list_select_related = ["org", "connection", "membership"]
    search_fields = ("name_id__exact", "membership__email_key", "org__name", "org__slug")
    search_help_text = "NameID to the letter, address, or organization."

    @admin.action(description="Forget this Name ID: the next sign-in links anew")
    def forget_name_id(self, request: AdminRequest, chosen: QuerySet[SamlIdentity]) -> TemplateResponse | None:
        return run_confirmed(self, request, chosen, FORGET)
