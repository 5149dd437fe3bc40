from django import forms

from scim.requests.types import LogFilter


class LogSearchForm(forms.Form):
    """The filters above the provisioning log; what can't be read shows every call."""

    q = forms.CharField(required=False, max_length=256, label="Search by e-mail, group, resource id or request id")
    status = forms.ChoiceField(
        required=False,
        label="Status",
        choices=[
            ("", "All"),
            ("ok", "Succeeded"),
            ("failed", "Failed"),
            ("400", "400 invalid"),
            ("401", "401 token refused"),
            ("404", "404 not found"),
            ("409", "409 conflict"),
        ],
    )

    def shown(self) -> LogFilter:
        self.is_valid()
        return LogFilter(status=self.cleaned_data.get("status", ""), text=self.cleaned_data.get("q", ""))
