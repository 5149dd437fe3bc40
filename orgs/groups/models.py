import uuid

from django.db import models

from orgs.base.text import KEY_LENGTH
from orgs.groups.types import GroupSource
from orgs.tenancy.models import Membership, Organization


class Group(models.Model):
    """A named set of memberships. SCIM groups and SAML group attributes both end here."""

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="groups")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=256)
    name_key = models.CharField(max_length=KEY_LENGTH)
    source = models.CharField(max_length=10, choices=GroupSource.choices)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name_key", "id"]
        constraints = [
            models.UniqueConstraint(fields=["org", "id"], name="group_in_org"),
            models.UniqueConstraint(fields=["org", "source", "name_key"], name="group_name_once_per_source"),
        ]

    def __str__(self) -> str:
        return self.name


class GroupMember(models.Model):
    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="members")
    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="group_members")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "membership"], name="group_member_once")]

    def __str__(self) -> str:
        return f"{self.membership_id} in {self.group_id}"
