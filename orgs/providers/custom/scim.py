"""Any SCIM client: what it is can’t be told by its requests."""

from orgs.providers.types import Absent

SCIM = Absent("It may be any client, so there are no marks, no form and no calls of its own.")
