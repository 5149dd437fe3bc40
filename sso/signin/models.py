import uuid

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


class PendingSignIn(models.Model):
    """A verified response whose browser has a minute to come back with its own cookies. Used once, then gone."""

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="+")
    test = models.ForeignKey(SignInTest, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    handle_digest = models.CharField(max_length=64, editable=False)
    version = models.PositiveIntegerField()
    # the version that verified it is only being tested, and the RelayState names no test: it signs nobody in
    is_astray = models.BooleanField(default=False, db_default=False, editable=False)
    claims = models.JSONField(editable=False)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return str(self.public_id)
