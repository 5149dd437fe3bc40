"""What a view does with a rule's no: the page shows it, at a field or as a message. What it doesn't catch is a page of its own.

That page is made in one place (`portal.site.middleware.RefusalMiddleware`), with the status that `status_of` gives.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import HttpRequest

from orgs.base.errors import DomainError, NotFound, NotPermitted


@dataclass(frozen=True, slots=True)
class Shown:
    """Shows what a rule says within, and goes on behind the block. NotFound is never shown so, nor what `passing` names."""

    show: Callable[[DomainError], None]
    passing: tuple[type[DomainError], ...] = ()

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, problem: BaseException | None, _trace: object) -> bool:
        if not isinstance(problem, DomainError) or isinstance(problem, (NotFound, *self.passing)):
            return False
        self.show(problem)
        return True


def shown_in(form: Form, field: str | None, *, passing: tuple[type[DomainError], ...] = ()) -> Shown:
    """Put what a rule says within the block at a field of the form, or above it."""
    return Shown(lambda problem: form.add_error(field, ValidationError(problem.public, code=problem.code)), passing)


def told(request: HttpRequest, level: int = messages.ERROR) -> Shown:
    """Show what a rule says within the block as a message on the next page."""
    return Shown(lambda problem: messages.add_message(request, level, problem.public))


def form_status(form: Form) -> int:
    """Return the status of the page that shows a form, the first time or again."""
    return 400 if form.is_bound else 200


def status_of(problem: DomainError) -> int:
    """Return the status of a page that only says what the rule said."""
    if isinstance(problem, NotFound):
        return 404
    return 403 if isinstance(problem, NotPermitted) else 409
