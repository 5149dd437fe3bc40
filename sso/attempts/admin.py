from django.contrib import admin
from django.db.models import Q, QuerySet
from django.template.response import TemplateResponse

from orgs.base.actor import Actor
from orgs.base.read_only_admin import AdminRequest, ConfirmedAct, ReadOnlyAdmin, choice, run_confirmed, to_the_second
from sso.attempts import queries, services
from sso.attempts.models import LoginAttempt
from sso.attempts.types import FAILURES, AttemptOutcome

ByOutcome = choice(
    "outcome",
    "result",
    {
        "failed": ("Failed", {"outcome__in": [str(outcome) for outcome in FAILURES]}),
        **{str(outcome): (str(outcome.label), {"outcome": str(outcome)}) for outcome in AttemptOutcome},
    },
)


def _forget(attempt: LoginAttempt, actor: Actor) -> None:
    services.forget_former_address(attempt=attempt, actor=actor)


FORGET = ConfirmedAct(
    "forget_name_id",
    "Each of these sign-ins was refused because its Name ID is a former address of the member with the address of the "
    "sign-in. The next sign-in with both enters as that member, with their role and groups, until somebody else in the "
    "organization has the former address. Confirm only when the organization says that it is the same person.",
    _forget,
)


@admin.register(LoginAttempt)
class LoginAttemptAdmin(ReadOnlyAdmin):
    """Sign-ins through connections; the code is what the person was shown."""

    actions = ("forget_name_id",)
    fields = (
        "org",
        "connection",
        "connection_name",
        "provider",
        "version",
        "public_id",
        "code",
        "moment",
        "outcome",
        "error",
        "failed_check",
        "explanation",
        "expected",
        "received",
        "passed_checks",
        "email",
        "claimed_email",
        "name_id",
        "membership",
        "is_idp_initiated",
        "ip",
        "user_agent",
        "request_id",
    )
    linked_by = ("org__id__exact", "connection__id__exact", "membership__id__exact")
    list_display = ("moment", "code", "org", "connection_name", "outcome", "error", "email")
    list_filter = (ByOutcome, ("at", admin.DateFieldListFilter))
    search_fields = ("email_key", "name_id_key", "request_id__exact", "org__name", "org__slug")
    search_help_text = "Code that the person was shown, address, NameID, request id, organization, or public id."

    def exact_match(self, term: str) -> Q:
        """Find an attempt by its code, too, also when that was typed in two words."""
        return super().exact_match(term) | queries.with_code(term)

    @admin.action(description="Forget this Name ID: the member’s former address may link anew")
    def forget_name_id(self, request: AdminRequest, chosen: QuerySet[LoginAttempt]) -> TemplateResponse | None:
        return run_confirmed(self, request, chosen, FORGET)

    @admin.display(description="at (UTC)")
    def moment(self, attempt: LoginAttempt) -> str:
        return to_the_second(attempt.at)
