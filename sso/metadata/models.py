import uuid

from django.db import models

from orgs.tenancy.models import Organization
from sso.connections.models import Connection
from sso.connections.types import MetadataSource


class MetadataSnapshot(models.Model):
    """Metadata as it arrived, for a look before it is used. By hand too: what was typed is written as a document."""

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="+")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    source = models.CharField(max_length=10, choices=MetadataSource.choices)
    url = models.CharField(max_length=2000, blank=True)
    document = models.TextField(editable=False)
    digest = models.CharField(max_length=64)
    read_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["connection", "-id"], name="snapshot_by_connection")]

    def __str__(self) -> str:
        return f"{self.get_source_display()}, {self.read_at:%Y-%m-%d %H:%M}"
