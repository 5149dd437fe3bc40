from orgs.base.errors import Conflict, NotFound, RuleViolated


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
    """The bearer token opens nothing here; `reason` is for the directory's own log, never for the caller."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)
