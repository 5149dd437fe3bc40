import uuid

from django.conf import settings
from django.db import models

from orgs.base.clock import now
from orgs.tenancy.models import Organization
from sso.attempts.models import LoginAttempt
from sso.connections.models import Configuration, Connection
from sso.signin_tests.types import TEST_LIFE, SignInTestStatus


class SignInTest(models.Model):
    """A test sign-in by an admin: it tries one revision of one version, and opens no session."""

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="+")
    configuration = models.ForeignKey(Configuration, on_delete=models.CASCADE, related_name="+")
    attempt = models.ForeignKey(LoginAttempt, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    revision = models.PositiveIntegerField()
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    started_by_label = models.CharField(max_length=254, blank=True)
    relay_digest = models.CharField(max_length=64, blank=True, db_index=True, editable=False)
    status = models.CharField(max_length=10, choices=SignInTestStatus.choices, default=SignInTestStatus.WAITING)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    claims = models.JSONField(default=dict)
    profile = models.JSONField(default=dict)
    preview = models.CharField(max_length=10, blank=True)
    preview_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["org", "id"], name="sign_in_test_in_org")]
        indexes = [models.Index(fields=["connection", "-id"], name="sign_in_test_by_connection")]

    def __str__(self) -> str:
        return f"Test of {self.started_at:%Y-%m-%d %H:%M}"

    @property
    def has_timed_out(self) -> bool:
        """Return whether nothing came of it within its time."""
        return self.status == SignInTestStatus.WAITING and now() - self.started_at >= TEST_LIFE

    @property
    def is_incomplete(self) -> bool:
        """Whether it passed without an attribute that the provider's guide says is needed."""
        return self.status == SignInTestStatus.PASSED and bool(self.profile.get("missing"))

    @property
    def is_waiting(self) -> bool:
        return self.status == SignInTestStatus.WAITING and not self.has_timed_out
