import uuid

from django.db import models

from orgs.providers.registry import name_of
from orgs.tenancy.models import Organization


class RequestLog(models.Model):
    """One call to a directory's SCIM endpoint as its admins see it: what was asked, what was answered, in plain words.

    Bodies are redacted before they are stored. `duration_ms` counts from the first byte read to the answer's making.
    What strangers send is counted: one row for each minute and cause, with `count` calls, the newest of them `at`.
    The public id of such a row follows from minute and cause, so there can't be two.
    """

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    directory = models.ForeignKey("scim.Directory", on_delete=models.CASCADE, related_name="requests")
    token = models.ForeignKey("scim.ScimToken", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    at = models.DateTimeField()
    count = models.PositiveIntegerField(default=1, db_default=1)
    method = models.CharField(max_length=10)
    path = models.CharField(max_length=300)
    query = models.CharField(max_length=1200, blank=True)
    status = models.PositiveSmallIntegerField()
    error_type = models.CharField(max_length=20, blank=True)
    detail = models.CharField(max_length=400, blank=True)
    dialect = models.CharField(max_length=20, blank=True)
    step = models.CharField(max_length=60, blank=True)
    is_connection_test = models.BooleanField(default=False)
    resource_id = models.CharField(max_length=64, blank=True)
    subject = models.CharField(max_length=256, blank=True)
    subject_key = models.CharField(max_length=512, blank=True)
    request_body = models.TextField(blank=True)
    response_body = models.TextField(blank=True)
    duration_ms = models.PositiveIntegerField(default=0)
    ip = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["org", "id"], name="request_log_in_org")]
        indexes = [
            models.Index(fields=["directory", "-id"], name="request_log_latest"),
            models.Index(fields=["directory", "status", "-id"], name="request_log_by_status"),
            models.Index(fields=["directory", "resource_id"], name="request_log_by_resource"),
            models.Index(fields=["at"], name="request_log_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status}"

    @property
    def sender(self) -> str:
        """Return the name of the identity provider that sent it, or nothing where the request didn't tell."""
        return name_of(self.dialect)

    @property
    def is_failure(self) -> bool:
        return self.status >= 400
