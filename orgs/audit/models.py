import uuid

from django.db import models

from orgs.audit.types import ACTORS
from orgs.tenancy.models import Organization


class AuditEvent(models.Model):
    """Who changed what, from which value to which; appended in the transaction of the change, never altered."""

    org = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    at = models.DateTimeField()
    actor_kind = models.CharField(max_length=10)
    actor_reference = models.CharField(max_length=100, blank=True)
    actor_label = models.CharField(max_length=254, blank=True)
    ip = models.GenericIPAddressField(null=True, blank=True)
    action = models.CharField(max_length=60)
    target_kind = models.CharField(max_length=40)
    target_id = models.CharField(max_length=64)
    target_label = models.CharField(max_length=400, blank=True)
    # what the search looks through: action, target and actor without case
    search_key = models.CharField(max_length=1500, blank=True, default="", db_default="")
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["org", "id"], name="audit_event_in_org")]
        indexes = [
            models.Index(fields=["org", "-id"], name="audit_by_org"),
            models.Index(fields=["org", "target_kind", "target_id"], name="audit_by_target"),
            models.Index(fields=["at"], name="audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target_label}"

    @property
    def actor_words(self) -> str:
        """Return what kind of actor it was, as pages call it."""
        return ACTORS.get(self.actor_kind, "")
