import uuid

from django.db import models
from django.db.models import Q

from orgs.base.text import EXACT_KEY_LENGTH, KEY_LENGTH
from orgs.tenancy.models import Membership, Organization
from scim.directories.models import Directory

TYPE_LENGTH = 64


class DirectoryUser(models.Model):
    """A person as the IdP sees them, bound to one membership. `document` is stored as it goes on the wire.

    One that `is_listed` is a member whom no directory has: shown to be matched, until the IdP takes them over or the
    directory stops listing members. `created_at` is then when they were listed, else since when the directory has them.
    """

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    directory = models.ForeignKey(Directory, on_delete=models.CASCADE, related_name="users")
    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="directory_users")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user_name = models.CharField(max_length=256)
    user_name_key = models.CharField(max_length=KEY_LENGTH)
    external_id = models.CharField(max_length=1024, blank=True)
    external_id_key = models.CharField(max_length=EXACT_KEY_LENGTH, blank=True)
    display_name_key = models.CharField(max_length=KEY_LENGTH, blank=True)
    active = models.BooleanField(default=True)
    document = models.JSONField(default=dict)
    # what filters and sorting ask about, in comparable form (scim.protocol.filter_keys)
    filter_keys = models.JSONField(default=dict, db_default={})
    version = models.PositiveIntegerField(default=1)
    made_membership = models.BooleanField(default=False)
    is_listed = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["org", "id"], name="directory_user_in_org"),
            models.UniqueConstraint(fields=["directory", "user_name_key"], name="directory_user_name_once"),
            models.UniqueConstraint(
                fields=["directory", "external_id_key"],
                condition=~Q(external_id_key=""),
                name="directory_user_external_id_once",
            ),
            models.UniqueConstraint(fields=["directory", "membership"], name="directory_user_one_per_membership"),
        ]
        indexes = [
            models.Index(fields=["directory", "display_name_key"], name="directory_user_display_name"),
            # where a page begins is found in it alone
            models.Index(fields=["directory", "id"], name="directory_user_page"),
        ]

    def __str__(self) -> str:
        return self.user_name

    @property
    def scim_id(self) -> str:
        return str(self.public_id)


class FormerDirectoryUser(models.Model):
    """Whose membership an externalId was when the directory deleted its user: a later POST with it returns there.

    `external_id` is the key of it, as an index can hold it.
    """

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    directory = models.ForeignKey(Directory, on_delete=models.CASCADE, related_name="+")
    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="+")
    external_id = models.CharField(max_length=256)
    deleted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["directory", "external_id"], name="former_directory_user_once"),
            models.UniqueConstraint(fields=["directory", "membership"], name="former_directory_user_one_per_member"),
            models.CheckConstraint(condition=~Q(external_id=""), name="former_directory_user_has_external_id"),
        ]

    def __str__(self) -> str:
        return self.external_id


class DirectoryUserValue(models.Model):
    """One value of a multi-valued attribute, so that `emails[type eq "work"].value` is an index on both databases."""

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    directory = models.ForeignKey(Directory, on_delete=models.CASCADE, related_name="+")
    directory_user = models.ForeignKey(DirectoryUser, on_delete=models.CASCADE, related_name="values")
    attribute = models.CharField(max_length=40)
    type_key = models.CharField(max_length=TYPE_LENGTH, blank=True)
    value_key = models.CharField(max_length=KEY_LENGTH)
    is_primary = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["directory", "attribute", "value_key"], name="directory_user_value_lookup"),
        ]

    def __str__(self) -> str:
        return f"{self.attribute} of {self.directory_user_id}"
