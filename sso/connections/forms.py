from typing import Any

from django import forms

from orgs.tenancy.types import Role
from sso.connections.types import JIT_ROLES, CertificateRemoval, EndSessions, RemovalReason, Seen, SignInRules


class PrintableField(forms.CharField):
    """Text of one line in characters that can be shown, without space around it."""

    def clean(self, value: Any) -> str:
        text = str(super().clean(value))
        if not text.isprintable():
            raise forms.ValidationError("It holds a character that can’t be shown. Type it again.")
        return text


class NameForm(forms.Form):
    """What the organization calls a connection."""

    name = PrintableField(
        max_length=100,
        label="Connection name",
        help_text="For you and your colleagues, for example “JumpCloud”.",
        error_messages={"required": "Give the connection a name, so that you can tell it from the next one."},
    )

    def clean_name(self) -> str:
        # as pages show it: several spaces look like one
        return " ".join(str(self.cleaned_data["name"]).split())


class RulesForm(NameForm):
    """What holds for everybody who comes through a connection."""

    jit = forms.BooleanField(
        required=False,
        label="Add people when they sign in for the first time",
        help_text="Without it, only people whom a directory or an admin has added can sign in.",
    )
    default_role = forms.ChoiceField(
        label="Role of people added this way", choices=[(str(role), role.label) for role in JIT_ROLES]
    )
    allow_idp_initiated = forms.BooleanField(
        required=False,
        label="Let the identity provider begin sign-ins",
        help_text="Without it, people who click a tile there are sent once through a sign-in that begins here, which is safer.",
    )

    @classmethod
    def of(cls, name: str, rules: SignInRules, data: Any = None) -> "RulesForm":
        """Return the form with what holds now."""
        initial = {
            "name": name,
            "jit": rules.jit,
            "default_role": str(rules.default_role),
            "allow_idp_initiated": rules.allow_idp_initiated,
        }
        return cls(data, initial=initial)

    def rules(self) -> SignInRules:
        """Return what was chosen; the form must be valid."""
        return SignInRules(
            jit=self.cleaned_data["jit"],
            default_role=Role(self.cleaned_data["default_role"]),
            allow_idp_initiated=self.cleaned_data["allow_idp_initiated"],
        )


class RemovalForm(forms.Form):
    """Why certificates are removed, and what becomes of the sessions that they opened."""

    reason = forms.ChoiceField(
        label="Why is the certificate removed?",
        widget=forms.RadioSelect,
        choices=RemovalReason.choices,
        error_messages={"required": "Choose why the certificate is removed."},
    )
    end_sessions = forms.ChoiceField(
        label="Sessions that it opened",
        widget=forms.RadioSelect,
        choices=EndSessions.choices,
        initial=EndSessions.BY_REASON,
        error_messages={"required": "Choose what becomes of the sessions."},
    )

    def removal(self) -> CertificateRemoval:
        """Return what was chosen; the form must be valid."""
        found = self.cleaned_data
        return CertificateRemoval(RemovalReason(found["reason"]), EndSessions(found["end_sessions"]))


class SeenForm(forms.Form):
    """Which edit of which version a button stood beside, so that it acts on no other."""

    number = forms.IntegerField(min_value=1)
    revision = forms.IntegerField(min_value=1)

    def seen(self) -> Seen:
        """Return it; one that isn't there fits no version."""
        found = self.cleaned_data if self.is_valid() else {"number": 0, "revision": 0}
        return Seen(found["number"], found["revision"])
