"""The console's forms. Labels and their order are those of JumpCloud's console."""

import re
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator

from sandbox.test_idp.records import TxtRecord
from sandbox.test_idp.types import (
    PRESETS,
    App,
    Attribute,
    Fault,
    IdpNameIdFormat,
    IdpPerson,
    NameIdSource,
    ResponseOptions,
    Signs,
    Source,
    Style,
)

ROWS = 8
ENTITY_ID_LENGTH = 1024  # SAML Core §8.3.6
LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
DNS_NAME = re.compile(rf"(?=.{{1,253}}\Z)(?:{LABEL}\.)+{LABEL}")


def require_printable(text: str) -> None:
    """Raises ValidationError for what XML couldn't carry."""
    if not text.isprintable():
        raise ValidationError("This holds a character that can’t be shown. Type it again.")


class TextField(forms.CharField):
    """One line of text that XML can carry."""

    default_validators = [require_printable]


class AddressField(forms.URLField):
    """An http or https address."""

    default_validators = [require_printable, URLValidator(["http", "https"])]


class PlainForm(forms.Form):
    """A form whose labels end without a colon."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **{"label_suffix": "", **named})


class AppForm(PlainForm):
    """An app, in the order of JumpCloud's console."""

    label = TextField(max_length=100, label="Display Label", help_text="What people see on the tile.")
    idp_entity_id = TextField(
        max_length=ENTITY_ID_LENGTH,
        label="IdP Entity ID",
        help_text="Any text that names this identity provider to the app. Letter case and slashes count.",
    )
    sp_entity_id = TextField(
        max_length=ENTITY_ID_LENGTH, label="SP Entity ID", help_text="Copy it from the app’s single sign-on page."
    )
    acs_url = AddressField(
        label="ACS URL",
        assume_scheme="https",
        help_text="Where the app takes responses (assertion consumer service). Copy it from the app.",
    )
    name_id = forms.ChoiceField(choices=NameIdSource.choices, label="SAMLSubject NameID")
    custom_name_id = TextField(
        max_length=254, required=False, label="Text of my own", help_text="Only if the NameID is a text of your own."
    )
    name_id_format = forms.ChoiceField(choices=IdpNameIdFormat.choices, label="SAMLSubject NameID Format")
    login_url = AddressField(
        required=False,
        label="Login URL",
        assume_scheme="https",
        help_text="Where a sign-in starts at the app. May stay empty.",
    )
    declares_redirect = forms.BooleanField(
        required=False,
        label="Declare Redirect Endpoint",
        help_text="The metadata then offers the Redirect binding beside POST. Apps that only redirect need it.",
    )
    signs = forms.ChoiceField(choices=Signs.choices, label="Sign")
    style = forms.ChoiceField(
        choices=Style.choices,
        label="Attribute name style",
        help_text="How attributes are written; their names, too, when every row below is empty.",
    )
    sign_in_as = TextField(
        max_length=254,
        required=False,
        label="Sign in at once as",
        help_text="An e-mail address. Nobody is asked any more: for scripts and tests.",
    )

    def clean(self) -> None:
        given = self.cleaned_data
        if given.get("name_id") == NameIdSource.CUSTOM and not given.get("custom_name_id"):
            self.add_error("custom_name_id", "Type the text that the NameID holds.")

    def app(self, app_id: str, attributes: tuple[Attribute, ...]) -> App:
        """Return what was entered; the form must be valid. Without attributes the style's own are taken."""
        given = self.cleaned_data
        style = Style(given["style"])
        kinds = {"name_id": NameIdSource, "name_id_format": IdpNameIdFormat, "signs": Signs, "style": Style}
        chosen: dict[str, Any] = {name: kind(given[name]) for name, kind in kinds.items()}
        return App(**{**given, **chosen, "id": app_id, "attributes": attributes or PRESETS[style]})


class AttributeForm(PlainForm):
    """One attribute: the app's name for it, and what is sent there."""

    name = TextField(max_length=ENTITY_ID_LENGTH, required=False, label="Service provider attribute name")
    source = forms.ChoiceField(
        choices=[("", "nothing"), *Source.choices], required=False, label="Attribute of the person"
    )

    def clean(self) -> None:
        given = self.cleaned_data
        if given.get("name") and not given.get("source") and "source" not in self.errors:
            self.add_error("source", "Choose what this attribute tells.")
        if given.get("source") and not given.get("name") and "name" not in self.errors:
            self.add_error("name", "Name this attribute, or choose “nothing”.")


_Rows = forms.formset_factory(AttributeForm, extra=0, max_num=ROWS, absolute_max=2 * ROWS)


class AttributeFormSet(_Rows):  # type: ignore[misc,valid-type]
    """As many rows as an app can have; those that are left empty count for nothing."""

    def total_form_count(self) -> int:
        """Return the number of rows that were sent, or that are shown."""
        return int(super().total_form_count()) if self.is_bound else max(ROWS, len(self.initial or ()))

    def attributes(self) -> tuple[Attribute, ...]:
        """Return the rows that are filled in; all must be valid."""
        filled = (row.cleaned_data for row in self.forms if row.cleaned_data.get("name"))
        return tuple(Attribute(row["name"], Source(row["source"])) for row in filled)


class SignInForm(PlainForm):
    """Who signs in, and how the app is answered."""

    person = forms.ChoiceField(required=False, label="Sign in as")
    email = TextField(max_length=254, required=False, label="E-mail address")
    first = TextField(max_length=100, required=False, label="First name")
    last = TextField(max_length=100, required=False, label="Last name")
    groups = TextField(max_length=1000, required=False, label="Groups", help_text="With commas between them.")
    attributes = forms.MultipleChoiceField(
        required=False, label="Attributes to send", widget=forms.CheckboxSelectMultiple
    )
    signs = forms.ChoiceField(choices=Signs.choices, label="Sign")
    fault = forms.ChoiceField(choices=Fault.choices, label="What is wrong with the response")
    relay_state = TextField(
        max_length=2048,
        required=False,
        label="RelayState",
        help_text="What the app gets back as it is. Some apps take it for the page to show. May stay empty.",
    )
    is_shown = forms.BooleanField(required=False, label="Show the response before it is sent")

    def __init__(self, app: App, people: Sequence[IdpPerson], *given: Any, is_solicited: bool, **named: Any) -> None:
        super().__init__(*given, **named)
        self._app = app
        self._people = {person.email: person for person in people}
        names = [(one.email, " – ".join(filter(None, (one.full_name, one.email)))) for one in people]
        self.fields["person"].choices = [*names, ("", "Somebody else: open “Somebody else” below")]  # type: ignore[attr-defined]
        rows = [(str(place), f"{one.name} ← {one.source.label}") for place, one in enumerate(app.attributes)]
        self.fields["attributes"].choices = rows  # type: ignore[attr-defined]
        usual = {"person": next(iter(self._people), ""), "attributes": [place for place, _ in rows], "signs": app.signs}
        self.initial = {**usual, **{name: value for name, value in self.initial.items() if value}}
        if is_solicited:
            # the request brought its own
            del self.fields["relay_state"]

    def clean(self) -> None:
        given = self.cleaned_data
        if "person" in given and not given["person"] and not given.get("email") and "email" not in self.errors:
            self.add_error("email", "Type the address of whoever signs in, or choose somebody above.")

    def who(self) -> IdpPerson:
        """Return whoever signs in; the form must be valid."""
        given = self.cleaned_data
        if given["person"]:
            return self._people[given["person"]]
        groups = tuple(group.strip() for group in given["groups"].split(",") if group.strip())
        return IdpPerson(given["email"], given["first"], given["last"], groups=groups)

    def choice(self) -> ResponseOptions:
        """Return how the response is made; the form must be valid."""
        given = self.cleaned_data
        attributes = tuple(self._app.attributes[int(place)] for place in given["attributes"])
        return ResponseOptions(attributes, Signs(given["signs"]), Fault(given["fault"]))


class RecordForm(PlainForm):
    """A TXT record."""

    name = TextField(max_length=254, label="Name", help_text="The whole name, as the portal shows it.")
    value = TextField(max_length=512, label="Value")

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"].lower().removesuffix(".")
        if not DNS_NAME.fullmatch(name):
            raise ValidationError("This isn’t a DNS name. Copy the whole name, such as _gatehouse.northwind.example.")
        return name

    def record(self) -> TxtRecord:
        """Return the record; the form must be valid."""
        return TxtRecord(self.cleaned_data["name"], self.cleaned_data["value"])
