"""One tree of errors that a rule may raise; each is translated once, at the edge."""

from typing import ClassVar


class DomainError(Exception):
    """A rule said no. `code` is stable and can be searched; `public` is safe to show to the customer."""

    code: ClassVar[str] = "refused"
    public: str = "That can't be done."

    def __init__(self, public: str | None = None) -> None:
        if public is not None:
            self.public = public
        super().__init__(self.public)


class NotFound(DomainError):
    code = "not_found"
    public = "There is nothing here by that name."


class Conflict(DomainError):
    code = "conflict"
    public = "Something else already has that name."


class RuleViolated(DomainError):
    code = "rule_violated"
    public = "A rule of this organization doesn't allow that."


class NotPermitted(DomainError):
    code = "not_permitted"
    public = "Your role in this organization doesn't allow that."
