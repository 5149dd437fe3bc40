from functools import cached_property
from hashlib import blake2b
from uuid import uuid4

from django.db import models

from orgs.base.packed import unpack
from orgs.base.text import text_key
from orgs.base.timed_ids import timed_id
from orgs.providers.registry import monogram_of, name_of
from orgs.tenancy.models import Organization
from scim.requests.types import BODY_WORDS, pretty


def subject_hash(subject: str) -> int | None:
    """Return the number under which the calls about one subject are found, whatever its case; None for no subject."""
    key = text_key(subject)
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big", signed=True) if key else None


class RequestLog(models.Model):
    """One call to a directory's SCIM endpoint as its admins see it: what was asked, what was answered, in plain words.

    `id` begins with the time (`timed_id`); on PostgreSQL the table is partitioned by it, a day each. `public_id` is the
    request's id, which the middleware gives. Of failures and changes the bodies are kept, redacted and packed; of reads
    the size of the answer, and how many resources it had of how many. `remarks` says what of the request had no effect.
    `duration_ms` counts from the first byte read to the answer's making.
    """

    id = models.BigIntegerField(primary_key=True, default=timed_id, editable=False)
    # where a directory goes, its rows go; on PostgreSQL the composite key says that both are of one organization
    org = models.ForeignKey(Organization, on_delete=models.DO_NOTHING, related_name="+", db_index=False)
    directory = models.ForeignKey("scim.Directory", on_delete=models.CASCADE, related_name="requests", db_index=False)
    token = models.ForeignKey("scim.ScimToken", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    public_id = models.UUIDField(default=uuid4, editable=False)
    at = models.DateTimeField()
    subject_hash = models.BigIntegerField(null=True, blank=True)
    resource_id = models.UUIDField(null=True, blank=True)
    duration_ms = models.PositiveIntegerField(default=0)
    answer_bytes = models.PositiveIntegerField(default=0)
    total_results = models.PositiveIntegerField(null=True, blank=True)
    returned = models.PositiveIntegerField(null=True, blank=True)
    status = models.PositiveSmallIntegerField()
    is_connection_test = models.BooleanField(default=False)
    method = models.CharField(max_length=10)
    path = models.CharField(max_length=300)
    query = models.CharField(max_length=1200, blank=True)
    error_type = models.CharField(max_length=20, blank=True)
    detail = models.CharField(max_length=400, blank=True)
    remarks = models.CharField(max_length=400, blank=True)
    dialect = models.CharField(max_length=20, blank=True)
    step = models.CharField(max_length=60, blank=True)
    subject = models.CharField(max_length=256, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)
    ip = models.GenericIPAddressField(null=True, blank=True)
    bodies = models.BinaryField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["org", "id"], name="request_log_of_org"),
            models.Index(fields=["directory", "id"], name="request_log_of_directory"),
            models.Index(
                fields=["org", "subject_hash", "id"],
                name="request_log_by_subject",
                condition=models.Q(subject_hash__isnull=False),
            ),
            models.Index(
                fields=["org", "resource_id"],
                name="request_log_by_resource",
                condition=models.Q(resource_id__isnull=False),
            ),
            models.Index(fields=["public_id"], name="request_log_by_public_id"),
            models.Index(fields=["org", "id"], name="request_log_failures", condition=models.Q(status__gte=400)),
            models.Index(
                fields=["org", "status", "id"], name="request_log_by_status", condition=models.Q(status__gte=400)
            ),
            models.Index(fields=["org", "id", "method"], name="request_log_changes", condition=~models.Q(method="GET")),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status}"

    @property
    def sender(self) -> str:
        """Return the name of the identity provider that sent it, or nothing where the request didn't tell."""
        return name_of(self.dialect)

    @property
    def sender_monogram(self) -> str:
        return monogram_of(self.dialect)

    @property
    def is_failure(self) -> bool:
        return self.status >= 400

    @property
    def request_id(self) -> str:
        """Return what the answer's X-Request-ID said."""
        return self.public_id.hex

    @property
    def request_body(self) -> str:
        return self._bodies[0]

    @property
    def response_body(self) -> str:
        return self._bodies[1]

    @property
    def answer_text(self) -> str:
        """Return the answer as a page shows it: its body, or in words what is kept of it."""
        if self.response_body or not self.answer_bytes:
            return self.response_body
        counted = "" if self.returned is None else f", with {self.returned} of {self.total_results} resources"
        return f"[{self.answer_bytes} bytes{counted}: the answers of reads aren't kept]"

    @cached_property
    def _bodies(self) -> tuple[str, str]:
        request, answer = unpack(self.bodies, BODY_WORDS, 2)
        return pretty(request), pretty(answer)


class RequestSubject(models.Model):
    """A person or group that the log has calls about: a search by a part of a name looks here, not at millions of rows."""

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    hash = models.BigIntegerField()
    key = models.CharField(max_length=512)
    # exact to a day: a subject goes with its last calls
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["org", "hash"], name="request_subject_once")]
        indexes = [models.Index(fields=["seen_at"], name="request_subject_by_time")]

    def __str__(self) -> str:
        return self.key


class RefusedCalls(models.Model):
    """How many calls were refused in one minute for one cause, before they counted as a directory's own.

    Those without a live token, and what a token sent too much. What the newest of them said of itself stands here, too.
    """

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    directory = models.ForeignKey("scim.Directory", on_delete=models.CASCADE, related_name="refused_calls")
    token = models.ForeignKey("scim.ScimToken", on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    minute = models.DateTimeField()
    status = models.PositiveSmallIntegerField()
    cause = models.CharField(max_length=200)
    count = models.PositiveBigIntegerField(default=1)
    at = models.DateTimeField()
    method = models.CharField(max_length=10)
    path = models.CharField(max_length=300)
    ip = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)
    request_id = models.UUIDField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "refused calls"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["directory", "minute", "status", "cause"], name="refused_calls_once_a_minute"
            )
        ]
        indexes = [models.Index(fields=["minute"], name="refused_calls_by_time")]

    def __str__(self) -> str:
        return f"{self.count} × {self.status} {self.cause}"
