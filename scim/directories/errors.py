from typing import TYPE_CHECKING

from orgs.base.errors import Conflict, NotFound, RuleViolated

if TYPE_CHECKING:
    from scim.directories.types import Admission


class DirectoryUnknown(NotFound):
    code = "directory_unknown"
    public = "This organization has no such directory."


class TokenUnknown(NotFound):
    code = "token_unknown"
    public = "There is no such token in this organization."


class TooManyTokens(RuleViolated):
    code = "too_many_tokens"
    public = "This directory has ten live tokens already. Revoke one that isn't used, then generate another."


class TokenEnded(Conflict):
    code = "token_ended"
    public = "This token has ended already, so there is nothing to change about it."


class TokenRefused(Exception):
    """The bearer token opens nothing here; `reason` is for the directory's own log, never for the caller.

    `token` is the one that was shown, where it is or was one of the directory's.
    """

    def __init__(self, reason: str, token: "Admission | None" = None) -> None:
        self.reason = reason
        self.token = token
        super().__init__(reason)
