from django import forms

from orgs.logs.filters import LogFilterForm
from sso.attempts.types import AttemptFilter, AttemptOutcome


class AttemptFilterForm(LogFilterForm[AttemptFilter]):
    """The filters above the sign-in log."""

    filter_type = AttemptFilter
    q = forms.CharField(required=False, max_length=256, label="Search by email, code or request ID")
    outcome = forms.ChoiceField(
        required=False,
        label="Outcome",
        choices=[("", "Any outcome"), ("failed", "Failed"), *AttemptOutcome.choices],
    )
