from django import forms

from sso.attempts.types import AttemptFilter, AttemptOutcome


class AttemptSearchForm(forms.Form):
    """The filters above the sign-in log; what can't be read shows every attempt."""

    q = forms.CharField(required=False, max_length=256, label="Search by email, code or request ID")
    outcome = forms.ChoiceField(
        required=False,
        label="Outcome",
        choices=[("", "Any outcome"), ("failed", "Failed"), *AttemptOutcome.choices],
    )

    def shown(self) -> AttemptFilter:
        """Return what to show, from those fields that can be read."""
        self.is_valid()
        return AttemptFilter(text=self.cleaned_data.get("q", ""), outcome=self.cleaned_data.get("outcome", ""))
