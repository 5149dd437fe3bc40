from django import forms

from orgs.logs.filters import LogFilterForm
from orgs.providers.registry import SCIM_CLIENTS
from scim.requests.types import RequestFilter


class RequestFilterForm(LogFilterForm[RequestFilter]):
    """The filters above the provisioning log."""

    filter_type = RequestFilter
    q = forms.CharField(required=False, max_length=256, label="Search by email, group, resource ID or request ID")
    status = forms.ChoiceField(
        required=False,
        label="Status",
        choices=[
            ("", "Any status"),
            ("ok", "Succeeded"),
            ("failed", "Failed"),
            ("400", "400 invalid"),
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
    sender = forms.ChoiceField(
        required=False,
        label="Provider",
        choices=[("", "Any provider"), *((one.code, one.name) for one, _ in SCIM_CLIENTS)],
    )
    changes = forms.BooleanField(required=False, label="Changes only")
