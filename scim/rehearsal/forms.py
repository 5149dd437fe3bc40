from django import forms

from scim.rehearsal.queries import rehearsable


class RehearsalForm(forms.Form):
    """Whose calls are made, and whether groups are among them."""

    provider = forms.ChoiceField(
        label="Identity provider",
        choices=rehearsable,
        help_text="Those whose requests are known in their order.",
        error_messages={"required": "Choose an identity provider."},
    )
    with_groups = forms.BooleanField(required=False, initial=True, label="Groups and their members, too")
