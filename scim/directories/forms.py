from datetime import timedelta
from uuid import uuid4

from django import forms

from scim.directories.types import TokenOrder


class TokenForm(forms.Form):
    """What an admin says about a new bearer token."""

    label = forms.CharField(
        max_length=100,
        label="Name",
        help_text="Where the token will live, for example “JumpCloud production”.",
        error_messages={"required": "Give the token a name, so that you can tell it from the next one."},
    )
    expires_in = forms.TypedChoiceField(
        label="Expires",
        coerce=int,
        choices=[(365, "In 1 year"), (90, "In 90 days"), (730, "In 2 years"), (0, "Never")],
        help_text="Two tokens can be live at once, so you can rotate without a gap.",
    )
    nonce = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def clean_label(self) -> str:
        label: str = self.cleaned_data["label"]
        if not label.isprintable():
            raise forms.ValidationError("The name holds a character that can't be shown. Type it again.")
        return label

    def order(self) -> TokenOrder:
        """Return what was asked for; the form must be valid."""
        days = self.cleaned_data["expires_in"]
        return TokenOrder(
            label=self.cleaned_data["label"],
            nonce=self.cleaned_data["nonce"],
            expires_in=timedelta(days=days) if days else None,
        )
