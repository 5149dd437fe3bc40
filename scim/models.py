"""Every table of this app, collected for Django."""

from scim.activity.models import ConnectionTest
from scim.directories.models import Directory, ScimToken
from scim.groups.models import DirectoryGroup
from scim.rehearsal.models import Rehearsal
from scim.requests.models import RefusedCalls, RequestLog, RequestSubject
from scim.users.models import DirectoryUser, DirectoryUserValue, FormerDirectoryUser

__all__ = [
    "ConnectionTest",
    "Directory",
    "DirectoryGroup",
    "DirectoryUser",
    "DirectoryUserValue",
    "FormerDirectoryUser",
    "RefusedCalls",
    "Rehearsal",
    "RequestLog",
    "RequestSubject",
    "ScimToken",
]
