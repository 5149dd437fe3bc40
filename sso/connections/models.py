import uuid
from collections.abc import Sequence

from django.db import models
from django.db.models import Q

from orgs.base.clock import now
from orgs.providers.idp_settings import NameIdFormat
from orgs.tenancy.models import Membership, Organization
from orgs.tenancy.types import Role
from sso.connections.types import Binding, ConnectionState, Endpoint, MetadataSource, SpKeyState, Stage, WizardStep


class Connection(models.Model):
    """An organization's way in through one IdP. The ACS URL carries its public id, and so selects it.

    Two IdPs may have one entity ID (one Entra tenant has many apps), so nothing is unique but the id.
    """

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="connections")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=100)
    # of the version in force, else of the one in preparation
    provider = models.CharField(max_length=20, blank=True)
    state = models.CharField(max_length=10, choices=ConnectionState.choices, default=ConnectionState.DRAFT)
    # where the wizard goes on; empty once it is finished
    setup_step = models.CharField(max_length=12, blank=True, default=WizardStep.PROVIDER.value)
    suggested_idp_entity_id = models.CharField(max_length=200)
    jit = models.BooleanField(default=False)
    # nobody has chosen: people join by signing in until a directory decides who belongs here
    jit_until_directory = models.BooleanField(default=False)
    default_role = models.CharField(max_length=10, choices=Role.choices, default=Role.USER)
    allow_idp_initiated = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    turned_on_at = models.DateTimeField(null=True, blank=True)
    # the version in force, where it was read together with the connection
    seen_in_force: "Configuration | None" = None

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["org", "id"], name="connection_in_org"),
            models.UniqueConstraint(fields=["org", "name"], name="connection_name_once_per_org"),
            models.CheckConstraint(condition=Q(state__in=ConnectionState.values), name="connection_state_known"),
            # owners and admins come from people only
            models.CheckConstraint(
                condition=Q(default_role__in=[Role.USER, Role.GUEST]), name="connection_default_role_low"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:
        return self.state == ConnectionState.ACTIVE

    @property
    def is_being_set_up(self) -> bool:
        return bool(self.setup_step)


class Configuration(models.Model):
    """One version of a connection: whom it trusts, and what it reads. At most one is in force, one being prepared.

    `revision` counts the edits: a test counts for the revision that it began with, a form for the one that it showed.
    """

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="configurations")
    number = models.PositiveIntegerField()
    revision = models.PositiveIntegerField(default=1)
    provider = models.CharField(max_length=20, blank=True)
    stage = models.CharField(max_length=10, choices=Stage.choices, default=Stage.DRAFT)
    idp_entity_id = models.CharField(max_length=1024, blank=True)
    redirect_url = models.CharField(max_length=2000, blank=True)
    post_url = models.CharField(max_length=2000, blank=True)
    metadata_source = models.CharField(max_length=10, choices=MetadataSource.choices, blank=True)
    metadata_url = models.CharField(max_length=2000, blank=True)
    name_id_format = models.CharField(max_length=100, default=NameIdFormat.EMAIL.value)
    attribute_map = models.JSONField(default=dict)
    needs_both_signed = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    tested_at = models.DateTimeField(null=True, blank=True)
    tested_by = models.CharField(max_length=254, blank=True)
    in_force_at = models.DateTimeField(null=True, blank=True)
    # where they were read together with the version
    seen_certificates: "Sequence[IdpCertificate] | None" = None

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["org", "id"], name="configuration_in_org"),
            models.UniqueConstraint(fields=["connection", "number"], name="configuration_number_once"),
            models.UniqueConstraint(
                fields=["connection"], condition=Q(stage=Stage.LIVE), name="one_configuration_in_force"
            ),
            models.UniqueConstraint(
                fields=["connection"], condition=Q(stage=Stage.DRAFT), name="one_configuration_in_preparation"
            ),
        ]

    def __str__(self) -> str:
        return f"Version {self.number}"

    @property
    def has_idp(self) -> bool:
        return bool(self.idp_entity_id)

    @property
    def trusted(self) -> "Sequence[IdpCertificate]":
        """Return the certificates whose keys may have signed."""
        return self.seen_certificates if self.seen_certificates is not None else tuple(self.certificates.all())

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return where AuthnRequests go, Redirect first: its link needs no form."""
        located = ((Binding.REDIRECT, self.redirect_url), (Binding.POST, self.post_url))
        return tuple(Endpoint(binding, location) for binding, location in located if location)


class IdpCertificate(models.Model):
    """A certificate whose key may have signed, for one version of a connection. Several may be trusted at once."""

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    configuration = models.ForeignKey(Configuration, on_delete=models.CASCADE, related_name="certificates")
    pem = models.TextField()
    fingerprint = models.CharField(max_length=64)
    subject = models.CharField(max_length=300, blank=True)
    key = models.CharField(max_length=40)
    not_before = models.DateTimeField()
    not_after = models.DateTimeField()

    class Meta:
        verbose_name = "IdP certificate"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["configuration", "fingerprint"], name="certificate_once_per_version")
        ]

    def __str__(self) -> str:
        return f"{self.subject} until {self.not_after:%Y-%m-%d}"

    @property
    def has_expired(self) -> bool:
        """Whether its time is over; its key verifies until it is removed all the same."""
        return self.not_after <= now()


class SpKey(models.Model):
    """Our own key for one connection; its private half is sealed with FIELD_KEYS."""

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="sp_keys")
    state = models.CharField(max_length=10, choices=SpKeyState.choices, default=SpKeyState.CURRENT)
    private_sealed = models.TextField(editable=False)
    certificate_pem = models.TextField()
    fingerprint = models.CharField(max_length=64)
    not_after = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "SP key"
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["connection", "state"], name="one_sp_key_per_state")]

    def __str__(self) -> str:
        return f"{self.get_state_display()} key until {self.not_after:%Y-%m-%d}"


class SamlIdentity(models.Model):
    """Who at the IdP a membership is: one NameID of a connection belongs to one membership, whatever address it has later."""

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="identities")
    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="saml_identities")
    name_id = models.CharField(max_length=512)
    name_id_format = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField()

    class Meta:
        verbose_name = "SAML identity"
        verbose_name_plural = "SAML identities"
        constraints = [models.UniqueConstraint(fields=["connection", "name_id"], name="name_id_once_per_connection")]

    def __str__(self) -> str:
        return self.name_id
