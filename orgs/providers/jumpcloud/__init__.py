"""JumpCloud's Custom SCIM: Test Connection, Activate and the changes that follow, each as one table of steps.

The bodies have the captured shapes; the order of the connection test is not published, so every form that
JumpCloud is known or said to use is in it, and a server that passes serves whichever of them comes.
"""

from orgs.providers.jumpcloud.changes import lifecycle
from orgs.providers.jumpcloud.connection import CONNECTION_TEST, CONNECTION_TEST_GROUPS, connection_context
from orgs.providers.jumpcloud.push import activate

__all__ = ["CONNECTION_TEST", "CONNECTION_TEST_GROUPS", "activate", "connection_context", "lifecycle"]
