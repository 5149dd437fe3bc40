from django import forms

from scim.requests.types import LogFilter


class LogSearchForm(forms.Form):
    """The filters above the provisioning log; what can't be read shows every call."""

    q = forms.CharField(required=False, max_length=256, label="Search by email, group, resource ID or request ID")
    status = forms.ChoiceField(
        required=False,
        label="Status",
        choices=[
            ("", "Any status"),
            ("ok", "Succeeded"),
            ("failed", "Failed"),
            ("400", "400 invalid"),
            ("401", "401 token refused"),
            ("404", "404 not found"),
            ("409", "409 conflict"),
        ],
    )
    method = forms.ChoiceField(
        required=False,
        label="Method",
        choices=[("", "Any method"), *((name, name) for name in ("GET", "POST", "PUT", "PATCH", "DELETE"))],
    )
    resource = forms.ChoiceField(
        required=False, label="Resource", choices=[("", "Any resource"), ("users", "Users"), ("groups", "Groups")]
    )
    age = forms.ChoiceField(
        required=False,
        label="Time",
        choices=[("", "Any time"), ("hour", "Last hour"), ("day", "Last 24 hours"), ("week", "Last 7 days")],
    )

    def shown(self) -> LogFilter:
        """Return what to show, from those fields that can be read."""
        self.is_valid()
        found = self.cleaned_data
        return LogFilter(
            status=found.get("status", ""),
            text=found.get("q", ""),
            method=found.get("method", ""),
            resource=found.get("resource", ""),
            age=found.get("age", ""),
        )
