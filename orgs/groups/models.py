import uuid

from django.db import models
from django.db.models import Q

from orgs.base.text import KEY_LENGTH
from orgs.groups.types import GroupSource
from orgs.tenancy.models import Membership, Organization


class Group(models.Model):
    """A named set of memberships. SCIM groups and SAML group attributes both end here.

    `directory` is the public id of the directory that made it: two directories may each have a group of one name.
    """

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="groups")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=256)
    name_key = models.CharField(max_length=KEY_LENGTH)
    source = models.CharField(max_length=10, choices=GroupSource.choices)
    directory = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name_key", "id"]
        constraints = [
            models.UniqueConstraint(fields=["org", "id"], name="group_in_org"),
            models.UniqueConstraint(
                fields=["org", "source", "name_key"], condition=Q(directory=None), name="group_name_once_per_origin"
            ),
            models.UniqueConstraint(
                fields=["directory", "name_key"],
                condition=Q(directory__isnull=False),
                name="group_name_once_per_directory",
            ),
            models.CheckConstraint(
                condition=Q(directory=None) | Q(source=GroupSource.SCIM), name="group_of_directory_is_scim"
            ),
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
