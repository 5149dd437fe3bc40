"""A directory's users become memberships, and change and leave with them: one transaction each, called by the endpoint."""

from scim.users.services.change import patch_user, replace
from scim.users.services.create import create_user
from scim.users.services.delete import delete_user
from scim.users.services.listing import relist, set_listing

__all__ = ["create_user", "delete_user", "patch_user", "relist", "replace", "set_listing"]
