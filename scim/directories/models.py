import uuid

from django.conf import settings
from django.db import models

from orgs.tenancy.models import Organization
from scim.directories.types import DirectoryState, MemberListing


class Directory(models.Model):
    """One IdP's view of an organization, behind one SCIM Base URL."""

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="directories")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=100, default="Directory")
    state = models.CharField(max_length=10, choices=DirectoryState.choices, default=DirectoryState.ACTIVE)
    listing = models.CharField(
        max_length=10, choices=MemberListing.choices, default=MemberListing.OFF, db_default=MemberListing.OFF
    )
    created_at = models.DateTimeField(auto_now_add=True)
    # when its admins were last told that all its calls are refused
    alerted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "directories"
        constraints = [models.UniqueConstraint(fields=["org", "id"], name="directory_in_org")]

    def __str__(self) -> str:
        return f"{self.name} ({self.public_id})"

    @property
    def lists_members(self) -> bool:
        return self.listing != MemberListing.OFF


class ScimToken(models.Model):
    """A bearer token of one directory. Stored: `ghs_` prefix, last 4 characters, SHA-256 hex digest of the whole."""

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    directory = models.ForeignKey(Directory, on_delete=models.CASCADE, related_name="tokens")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    label = models.CharField(max_length=100)
    # made for one rehearsal, by which it is deleted: its calls are in no log, and it is on no page
    is_rehearsal = models.BooleanField(default=False, db_default=False)
    prefix = models.CharField(max_length=8)
    last4 = models.CharField(max_length=4)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    # what the form sent along, so that a repeated submission doesn't mint a second token
    nonce = models.UUIDField(default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_by_label = models.CharField(max_length=254, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    saved_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_ip = models.GenericIPAddressField(null=True, blank=True)
    # whose place it takes
    replaces = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="successors")
    # networks in CIDR form; empty: every address may use it
    allowed_networks = models.JSONField(default=list, db_default=[], blank=True)
    # for how many days before its end the latest notice was planned
    noticed_days = models.PositiveSmallIntegerField(null=True, blank=True)
    # when and from where somebody showed it after its end, or from another network
    refused_at = models.DateTimeField(null=True, blank=True)
    refused_ip = models.GenericIPAddressField(null=True, blank=True)
    alerted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "SCIM token"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["org", "id"], name="scim_token_in_org"),
            models.UniqueConstraint(fields=["directory", "nonce"], name="scim_token_once_per_form"),
        ]

    def __str__(self) -> str:
        return f"{self.label} ({self.prefix}…{self.last4})"


class DirectoryCount(models.Model):
    """How many users or groups came to a directory, or went: summed up, how many it has.

    Triggers of PostgreSQL write it, and now and then replace its rows by their sum. One counter would make those who create
    at the same time wait for each other; rows that are only added make nobody wait. SQLite counts when it is asked.
    """

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    directory = models.ForeignKey(Directory, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=10)
    change = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["directory", "kind"], name="directory_count_of")]

    def __str__(self) -> str:
        return f"{self.change:+} {self.kind}"
