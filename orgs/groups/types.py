from django.db.models import TextChoices

from orgs.base.errors import Conflict, NotFound


class GroupSource(TextChoices):
    SCIM = "scim", "SCIM"
    SAML = "saml", "SAML"
    LOCAL = "local", "Made here"


class GroupUnknown(NotFound):
    code = "group_unknown"
    public = "There is no such group in this organization."


class GroupNameTaken(Conflict):
    code = "group_name_taken"
    public = "Another group of this organization already has that name."
