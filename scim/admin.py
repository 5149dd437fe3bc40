"""Every page of support's site about this app, collected for Django."""

from scim.directories.admin import DirectoryAdmin, ScimTokenAdmin
from scim.groups.admin import DirectoryGroupAdmin
from scim.rehearsal.admin import RehearsalAdmin
from scim.requests.admin import RefusedCallsAdmin, RequestLogAdmin
from scim.users.admin import DirectoryUserAdmin

__all__ = [
    "DirectoryAdmin",
    "DirectoryGroupAdmin",
    "DirectoryUserAdmin",
    "RefusedCallsAdmin",
    "RehearsalAdmin",
    "RequestLogAdmin",
    "ScimTokenAdmin",
]
