from typing import Any

from django import forms
from django.utils.http import url_has_allowed_host_and_scheme

from orgs.base.text import domain_as_read, domain_key

MAX_PATH = 500


def way_back(given: str, default: str) -> str:
    """Return the path of this site that a form carries, without its fragment, or else the default."""
    path = given.partition("#")[0]
    is_local = path.startswith("/") and url_has_allowed_host_and_scheme(path, allowed_hosts=None)
    return path if is_local and len(path) <= MAX_PATH else default


class DomainForm(forms.Form):
    """The domain that an admin adds; whether it may be claimed is the service's to say."""

    name = forms.CharField(
        max_length=300,
        label="Domain",
        help_text="What stands after the @ in your people’s addresses, as in example.com. A subdomain is a domain of its own.",
        error_messages={
            "required": "Type the domain that you want to verify, as in example.com.",
            "max_length": "That is too long for a domain name. Write it as in example.com.",
        },
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false", "inputmode": "url"}
        ),
    )


class RemoveForm(forms.Form):
    """A domain is removed by whoever types `word`, its name; without one, nothing has to be typed."""

    confirm = forms.CharField(
        max_length=300,
        error_messages={"required": "Type the domain’s name: removing it changes who can sign in."},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, word: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.word = word
        field = self.fields["confirm"]
        field.required, field.label = bool(word), f"Type {word} to confirm"
        # the script frees the button once the word is there, in ASCII or in letters; this form checks it either way
        field.widget.attrs |= {"data-confirm": word, "data-letters": domain_as_read(word), "data-target": "remove"}

    def clean_confirm(self) -> str:
        typed: str = self.cleaned_data["confirm"]
        if self.word and not self._is_word(typed):
            raise forms.ValidationError(f"That isn’t {self.word}. Type the name as it stands above.")
        return typed

    def _is_word(self, typed: str) -> bool:
        try:
            return domain_key(typed) == self.word
        except ValueError:
            return False
