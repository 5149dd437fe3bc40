import uuid

from django.db import models
from django.db.models import Q

from orgs.events.types import ACCOUNT_MAIL
from orgs.tenancy.models import Organization


class OutboxEvent(models.Model):
    """Work to be done after the commit that wrote this row. `sequence` is given by the drainer: commit order isn't id order.

    Mail to an account belongs to no organization; everything else belongs to one.
    """

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", null=True, blank=True)
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=60)
    key = models.CharField(max_length=100, blank=True)
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField()
    sequence = models.BigIntegerField(null=True, blank=True, unique=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    leased_until = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    canceled_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["org", "id"], name="outbox_event_in_org"),
            models.CheckConstraint(
                condition=Q(org__isnull=False) | Q(kind=ACCOUNT_MAIL), name="outbox_event_has_org_or_account"
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(delivered_at__isnull=True, canceled_at__isnull=True, failed_at__isnull=True),
                name="outbox_waiting",
            ),
            models.Index(
                fields=["failed_at"],
                condition=Q(delivered_at__isnull=True, canceled_at__isnull=True, failed_at__isnull=False),
                name="outbox_given_up",
            ),
            models.Index(fields=["org", "kind", "key"], name="outbox_by_key"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"

    @property
    def organization(self) -> Organization:
        """Return the organization that the work is done for. Raises LookupError for mail to an account."""
        if self.org is None:
            raise LookupError("Mail to an account belongs to no organization.")
        return self.org


class Heartbeat(models.Model):
    """When a worker last did what beat asked for."""

    name = models.CharField(max_length=20, unique=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
