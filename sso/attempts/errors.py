from orgs.base.errors import NotFound


class AttemptUnknown(NotFound):
    code = "attempt_unknown"
    public = "There is no such sign-in attempt in this organization."
