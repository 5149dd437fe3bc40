import re
from typing import Any

from django import forms

from orgs.audit.types import ACTORS, SUBJECTS, AuditFilter
from orgs.logs.filters import LogFilterForm

ACTION = re.compile(r"[a-z_]{1,40}(\.[a-z_]{1,40})?")


class ActionField(forms.ChoiceField):
    """A subject of the list, or the name of any one act: a link leads to that from each entry."""

    def valid_value(self, value: Any) -> bool:
        return ACTION.fullmatch(value) is not None


class AuditFilterForm(LogFilterForm[AuditFilter]):
    """The filters above the audit log."""

    filter_type = AuditFilter
    q = forms.CharField(required=False, max_length=256, label="Search by action, person, thing or request ID")
    actor = forms.ChoiceField(required=False, label="Done by", choices=[("", "Anybody"), *ACTORS.items()])
    action = ActionField(required=False, label="About", choices=[("", "Anything"), *SUBJECTS.items()])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        action, field = self.given().get("action", ""), self.fields["action"]
        if isinstance(field, forms.ChoiceField) and action not in ("", *SUBJECTS):
            field.choices = [("", "Anything"), *SUBJECTS.items(), (action, action)]
