from django import forms
from django.core.exceptions import ValidationError

from orgs.base.addresses import LONGEST_ADDRESS, is_mail_address


class DiscoveryForm(forms.Form):
    """Whose organization it is; only the part behind the @ is looked at."""

    email = forms.CharField(
        max_length=LONGEST_ADDRESS,
        label="Work email address",
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
        error_messages={
            "required": "Type the email address that you have at work.",
            "invalid": "This isn’t an email address. Type it as in nora@acme.example.",
        },
    )

    def clean_email(self) -> str:
        """Raises ValidationError for what is no address."""
        email: str = self.cleaned_data["email"]
        if not is_mail_address(email):
            raise ValidationError(self.fields["email"].error_messages["invalid"], code="invalid")
        return email
