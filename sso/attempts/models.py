import uuid

from django.db import models

from orgs.tenancy.models import Membership, Organization
from sso.attempts.types import FAILURES, TESTS, AttemptOutcome
from sso.connections.models import Connection


class LoginAttempt(models.Model):
    """One message at an ACS and what became of it; appended, never altered. `code` is what the person was shown.

    The message itself isn't kept: neither the assertion nor its signature.
    """

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    membership = models.ForeignKey(Membership, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    code = models.CharField(max_length=16, unique=True)
    at = models.DateTimeField()
    connection_name = models.CharField(max_length=100)
    provider = models.CharField(max_length=20, blank=True)
    version = models.PositiveIntegerField(null=True, blank=True)
    outcome = models.CharField(max_length=12, choices=AttemptOutcome.choices)
    error = models.CharField(max_length=40, blank=True)
    failed_check = models.CharField(max_length=20, blank=True)
    setting = models.CharField(max_length=20, blank=True)
    explanation = models.CharField(max_length=300, blank=True)
    expected = models.CharField(max_length=300, blank=True)
    received = models.CharField(max_length=300, blank=True)
    passed_checks = models.JSONField(default=list)
    # its signature was verified: nobody can have made the message but the IdP
    is_signed = models.BooleanField(default=False, db_default=False)
    email = models.CharField(max_length=254, blank=True)
    email_key = models.CharField(max_length=512, blank=True)
    # by the IdP's signed word alone: nothing is decided by it
    claimed_email = models.CharField(max_length=254, blank=True, default="", db_default="")
    name_id = models.CharField(max_length=512, blank=True)
    name_id_key = models.CharField(max_length=512, blank=True, default="", db_default="")
    # empty when nothing that could be trusted says who began
    is_idp_initiated = models.BooleanField(null=True, default=None)
    ip = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["org", "id"], name="login_attempt_in_org")]
        indexes = [
            models.Index(fields=["org", "-id"], name="login_attempt_by_org"),
            models.Index(fields=["org", "email_key"], name="login_attempt_by_address"),
            models.Index(fields=["org", "name_id_key"], name="login_attempt_by_name_id"),
            models.Index(fields=["connection", "at"], name="login_attempt_by_connection"),
            models.Index(fields=["at"], name="login_attempt_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.get_outcome_display()}"

    @property
    def is_failure(self) -> bool:
        return self.outcome in FAILURES

    @property
    def is_in_log(self) -> bool:
        """Return whether its code leads anywhere; in a flood not everything is kept."""
        return self.pk is not None

    @property
    def is_test(self) -> bool:
        return self.outcome in TESTS
