from typing import Any

from django import forms

from orgs.providers.attributes import AttributeRow, ProfileField
from orgs.providers.idp_settings import NameIdFormat
from orgs.providers.registry import PROVIDERS
from orgs.providers.types import Provider
from sso.connections.forms import PrintableField
from sso.connections.types import NAME_ID_FORMATS, AttributeChoice
from sso.metadata.types import MetadataUse


class RevisionForm(forms.Form):
    """A form that knows which edit it showed, so that two admins can't overwrite each other unseen."""

    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=1)

    def clean(self) -> dict[str, Any]:
        if "revision" in self.errors:
            self.add_error(None, "This page came back incomplete. Check what it shows, then save again.")
        return self.cleaned_data


class UseMetadataForm(RevisionForm):
    """What is said of certificates when metadata is used; each question only where there is something to ask."""

    keeps_certificates = forms.BooleanField(
        required=False,
        label="Keep trusting these certificates, too",
        help_text="So sign-in goes on while the identity provider changes its key. Remove them when it signs with the new one.",
    )
    accepts_expired = forms.BooleanField(
        label="The identity provider still signs with this certificate, and I trust it",
        error_messages={
            "required": "Confirm it, or renew the certificate at your identity provider and read the metadata again."
        },
    )

    def __init__(self, data: Any = None, *, has_others: bool, has_expired: bool, keeps: bool) -> None:
        super().__init__(data, initial={"keeps_certificates": keeps})
        if not has_others:
            del self.fields["keeps_certificates"]
        if not has_expired:
            del self.fields["accepts_expired"]

    def use(self) -> MetadataUse:
        """Return what was said; the form must be valid."""
        said = self.cleaned_data
        return MetadataUse(said.get("accepts_expired", False), said.get("keeps_certificates", False))


class ProviderForm(RevisionForm):
    """Which IdP it is."""

    provider = forms.ChoiceField(
        label="Identity provider",
        widget=forms.RadioSelect,
        choices=[(one.code, one.name) for one in PROVIDERS],
        error_messages={
            "required": "Choose your identity provider. If it isn’t listed, choose Custom SAML.",
            "invalid_choice": "Choose one of the identity providers below.",
        },
    )


class AttributesForm(RevisionForm):
    """By which names the IdP sends each field; one left empty is found by its usual names."""

    name_id_format = forms.ChoiceField(
        label="Name ID format",
        choices=[(str(form), label) for form, label in NAME_ID_FORMATS.items()],
        help_text="What we ask the identity provider to call people by. Email address fits most.",
    )
    needs_both_signed = forms.BooleanField(
        required=False, label="Demand a signature on the response and on the assertion, not on one of them only"
    )

    def __init__(self, data: Any = None, *, provider: Provider, chosen: AttributeChoice) -> None:
        initial = {
            "name_id_format": str(chosen.name_id_format),
            "needs_both_signed": chosen.needs_both_signed,
            **chosen.names,
        }
        super().__init__(data, initial=initial)
        rows = {row.field: row for row in provider.guide.attributes}
        for field in ProfileField:
            self.fields[field] = _attribute_field(field, rows.get(field))

    def attribute_fields(self) -> list[forms.BoundField]:
        return [self[field] for field in ProfileField]

    def choice(self) -> AttributeChoice:
        """Return what was chosen; the form must be valid."""
        given = {str(field): self.cleaned_data[field] for field in ProfileField}
        return AttributeChoice(
            names={field: name for field, name in given.items() if name},
            name_id_format=NameIdFormat(self.cleaned_data["name_id_format"]),
            needs_both_signed=self.cleaned_data["needs_both_signed"],
        )


def _attribute_field(field: ProfileField, row: AttributeRow | None) -> forms.CharField:
    hint = f"Empty: {row.name}, and other usual names" if row is not None else "Empty: its usual names"
    return PrintableField(required=False, max_length=256, label=field.label, help_text=hint)
