from django import forms

from orgs.people.types import MemberFilter
from orgs.tenancy.types import MembershipOrigin, MembershipState


class MemberSearchForm(forms.Form):
    """The search above the member list. What it can't read shows everybody, never an error page."""

    q = forms.CharField(required=False, max_length=200, label="Search members")
    origin = forms.ChoiceField(required=False, choices=[("", "Any origin"), *MembershipOrigin.choices], label="Origin")
    state = forms.ChoiceField(required=False, choices=[("", "Any state"), *MembershipState.choices], label="State")

    def shown(self) -> MemberFilter:
        """Return what to show, from those fields that can be read."""
        self.is_valid()
        return MemberFilter(
            text=self.cleaned_data.get("q", ""),
            origin=self.cleaned_data.get("origin", ""),
            state=self.cleaned_data.get("state", ""),
        )
