import uuid

from django.db import models
from django.db.models import Q

from orgs.providers.registry import name_of
from orgs.tenancy.models import Organization
from scim.directories.models import Directory
from scim.rehearsal.types import UNFINISHED, RehearsalState


class Rehearsal(models.Model):
    """One walk through a provider's calls against a directory. `steps` has what became of each, without its bodies."""

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    directory = models.ForeignKey(Directory, on_delete=models.CASCADE, related_name="rehearsals")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    provider = models.CharField(max_length=20)
    with_groups = models.BooleanField(default=True)
    state = models.CharField(max_length=12, choices=RehearsalState.choices, default=RehearsalState.WAITING)
    steps = models.JSONField(default=list)
    # paths below the Base URL of what the calls have created and not deleted yet
    made = models.JSONField(default=list, blank=True)
    asked_by_label = models.CharField(max_length=254, blank=True)
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["org", "id"], name="rehearsal_in_org"),
            models.UniqueConstraint(
                fields=["directory"], condition=Q(state__in=UNFINISHED), name="rehearsal_one_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider_name}: {self.get_state_display()}"

    @property
    def provider_name(self) -> str:
        return name_of(self.provider)

    @property
    def is_unfinished(self) -> bool:
        return self.state in UNFINISHED
