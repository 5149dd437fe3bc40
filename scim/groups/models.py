import uuid

from django.db import models
from django.db.models import Q

from orgs.base.text import EXACT_KEY_LENGTH
from orgs.groups.models import Group
from orgs.tenancy.models import Organization
from orgs.tenancy.types import Role
from scim.directories.models import Directory


class DirectoryGroup(models.Model):
    """A group as the IdP sees it; its name and members are those of the organization's group."""

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    directory = models.ForeignKey(Directory, on_delete=models.CASCADE, related_name="groups")
    group = models.OneToOneField(Group, on_delete=models.CASCADE, related_name="directory_group")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    external_id = models.CharField(max_length=1024, blank=True)
    external_id_key = models.CharField(max_length=EXACT_KEY_LENGTH, blank=True)
    # what the IdP says that the people in it are here; never owners
    organization_role = models.CharField(max_length=10, choices=Role.choices, blank=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["org", "id"], name="directory_group_in_org"),
            models.UniqueConstraint(
                fields=["directory", "external_id_key"],
                condition=~Q(external_id_key=""),
                name="directory_group_external_id_once",
            ),
        ]
        # where a page begins is found in it alone
        indexes = [models.Index(fields=["directory", "id"], name="directory_group_page")]

    def __str__(self) -> str:
        return str(self.group)

    @property
    def scim_id(self) -> str:
        return str(self.public_id)
