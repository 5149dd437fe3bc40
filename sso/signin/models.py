import uuid

from django.conf import settings
from django.db import models

from orgs.tenancy.models import Organization
from sso.connections.models import Connection
from sso.signin_tests.models import SignInTest


class ConsumedAssertion(models.Model):
    """An assertion that was accepted once, kept until nobody could accept it any more: the replay guard."""

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="+")
    assertion_id = models.CharField(max_length=256)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "assertion_id"], name="assertion_once_per_connection")
        ]

    def __str__(self) -> str:
        return self.assertion_id


class UsedRequest(models.Model):
    """An AuthnRequest that was answered, kept until no browser can remember having made it. One request, one answer."""

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="+")
    request_id = models.CharField(max_length=64)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "request_id"], name="request_once_per_connection")]

    def __str__(self) -> str:
        return self.request_id


class PendingSignIn(models.Model):
    """A verified response that waits for its browser. Used once, then gone.

    The browser has a minute to come back with its own cookies. Where that would replace somebody else's session, their
    answer is awaited for some minutes more: then `replaces` says whose session that is.
    """

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="+")
    test = models.ForeignKey(SignInTest, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    handle_digest = models.CharField(max_length=64, editable=False)
    version = models.PositiveIntegerField()
    # the version that verified it is only being tested, and the RelayState names no test: it signs nobody in
    is_test_mismatch = models.BooleanField(default=False, db_default=False, editable=False)
    claims = models.JSONField(editable=False)
    replaces = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    email = models.CharField(max_length=254, blank=True, default="", db_default="", editable=False)
    return_to = models.CharField(max_length=500, blank=True, default="", db_default="")
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return str(self.public_id)
