import uuid

from django.db import models

from orgs.tenancy.models import Organization


class ConnectionTest(models.Model):
    """The calls of an identity provider's connection test, as one entry of the provisioning log.

    It lasts from the first call about a resource that it made to the deletion of the last, of which `entry` is the log
    row: that stands in the log for all of them. `subjects` are the names of what was made and deleted, without case.
    """

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    directory = models.ForeignKey("scim.Directory", on_delete=models.CASCADE, related_name="+")
    token = models.ForeignKey("scim.ScimToken", on_delete=models.CASCADE, related_name="+")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    entry = models.UUIDField()
    subjects = models.JSONField(default=list)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["org", "id"], name="connection_test_in_org")]
        indexes = [
            models.Index(fields=["org", "-ended_at"], name="connection_test_by_org"),
            models.Index(fields=["token", "-ended_at"], name="connection_test_by_token"),
        ]

    def __str__(self) -> str:
        return f"Connection test of {self.ended_at:%Y-%m-%d %H:%M}"
