import uuid

from django.db import models
from django.db.models import Q

from orgs.base.text import KEY_LENGTH, domain_as_read
from orgs.domains.types import TXT_LABEL, TXT_PREFIX, DomainState, ProofOutcome
from orgs.tenancy.models import Organization


class Domain(models.Model):
    """A DNS name that an organization says is its own; only one may have verified it.

    `last_answer` is what DNS said at the last look, as queries.last_check reads it.
    """

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="domains")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=253)
    name_key = models.CharField(max_length=KEY_LENGTH)
    txt_token = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=DomainState.choices, default=DomainState.PENDING)
    created_at = models.DateTimeField(auto_now_add=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    last_checked_at = models.DateTimeField(null=True, blank=True)
    last_outcome = models.CharField(max_length=12, choices=ProofOutcome.choices, blank=True, default="", db_default="")
    last_answer = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ["name_key"]
        constraints = [
            models.UniqueConstraint(fields=["org", "id"], name="domain_in_org"),
            models.UniqueConstraint(fields=["org", "name_key"], name="domain_once_per_org"),
            models.UniqueConstraint(
                fields=["name_key"], condition=Q(state=DomainState.VERIFIED), name="domain_verified_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name_as_read(self) -> str:
        """Return the name in the letters for which its ASCII form stands."""
        return domain_as_read(self.name)

    @property
    def shown_name(self) -> str:
        """Return the name in both forms where they differ: letters can look alike, the ASCII form can't."""
        return self.name if self.name_as_read == self.name else f"{self.name_as_read} ({self.name})"

    @property
    def txt_host(self) -> str:
        """Return the DNS name at which the proof belongs."""
        return f"{TXT_LABEL}.{self.name}"

    @property
    def txt_value(self) -> str:
        """Return the text that only somebody who manages the domain's DNS can publish there."""
        return f"{TXT_PREFIX}{self.txt_token}"

    @property
    def is_verified(self) -> bool:
        return self.state == DomainState.VERIFIED
