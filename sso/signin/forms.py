from django import forms


class DiscoveryForm(forms.Form):
    """Whose organization it is; only the part behind the @ is looked at."""

    email = forms.EmailField(
        max_length=254,
        label="Work email address",
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
        error_messages={
            "required": "Type the email address that you have at work.",
            "invalid": "This isn’t an email address. Type it as in nora@acme.example.",
        },
    )
