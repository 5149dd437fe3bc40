from typing import Any

from django import forms
from django.conf import settings

from sso.connections.forms import PrintableField
from sso.connections.types import Binding
from sso.metadata.types import TypedIdp
from sso.saml.certificates import read_pasted_certificates
from sso.saml.endpoints import LONGEST_URL, safe_url
from sso.saml.metadata import LONGEST_ENTITY_ID
from sso.saml.metadata_errors import EndpointNotHttps, MetadataError, MetadataTooLarge, PrivateKeyPasted
from sso.saml.metadata_input import LARGEST_DOCUMENT
from sso.saml.types import LeftOut


class UrlForm(forms.Form):
    """Where the IdP publishes its metadata. What is wrong with the URL itself is said by whoever fetches it."""

    url = PrintableField(
        max_length=LONGEST_URL,
        label="Metadata URL",
        error_messages={"required": "Paste the metadata URL of the app at your identity provider."},
    )


class FileForm(forms.Form):
    """The metadata as a file."""

    document = forms.FileField(
        label="Metadata file",
        help_text="The XML file that your identity provider lets you download. Up to 1 MB.",
        error_messages={
            "required": "Choose the XML file that you downloaded from your identity provider.",
            "empty": "This file is empty. Download it again.",
        },
    )

    def clean_document(self) -> bytes:
        uploaded: Any = self.cleaned_data["document"]
        if (uploaded.size or 0) > LARGEST_DOCUMENT:
            raise forms.ValidationError(MetadataTooLarge.public)
        return bytes(uploaded.read())


class ManualForm(forms.Form):
    """The same by hand."""

    entity_id = PrintableField(
        max_length=LONGEST_ENTITY_ID,
        label="IdP Entity ID",
        help_text="Sometimes called Issuer. Capitals and a slash at the end count.",
        error_messages={"required": "Type the entity ID of your identity provider."},
    )
    sign_in_url = PrintableField(
        max_length=LONGEST_URL,
        label="Sign-in URL",
        help_text="Sometimes called SSO URL or IdP URL.",
        error_messages={"required": "Type the URL to which people are sent to sign in."},
    )
    binding = forms.ChoiceField(
        label="How requests go there",
        choices=[(Binding.REDIRECT.value, "HTTP-Redirect"), (Binding.POST.value, "HTTP-POST")],
        help_text="HTTP-Redirect works with most.",
    )
    certificate = forms.CharField(
        max_length=64 * 1024,
        label="Signing certificate",
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text="As PEM, base64 or an X509Certificate element. Several may follow each other.",
        error_messages={"required": "Paste the certificate with which your identity provider signs."},
    )

    def clean_sign_in_url(self) -> str:
        url: str = self.cleaned_data["sign_in_url"]
        try:
            return safe_url(url, allows_loopback=settings.OUTBOUND_ALLOWS_LOOPBACK)
        except EndpointNotHttps as error:
            raise forms.ValidationError(error.public) from error

    def clean_certificate(self) -> str:
        text: str = self.cleaned_data["certificate"]
        try:
            self.left_out = read_pasted_certificates(text).left_out
        except PrivateKeyPasted as error:
            # neither shown again nor kept
            self.data = {**{name: self.data.get(name) for name in self.data}, "certificate": ""}
            raise forms.ValidationError(error.public, code=error.code) from error
        except MetadataError as error:
            raise forms.ValidationError(error.public) from error
        return text

    # why some of what was pasted isn't taken beside the rest
    left_out: tuple[LeftOut, ...] = ()

    def typed(self) -> TypedIdp:
        """Return what was typed; the form must be valid."""
        found = self.cleaned_data
        return TypedIdp(found["entity_id"], found["sign_in_url"], Binding(found["binding"]), found["certificate"])


FORMS: dict[str, type[forms.Form]] = {"url": UrlForm, "file": FileForm, "manual": ManualForm}
# at which field a problem with the metadata stands; a document by hand has been checked field by field
PROBLEM_FIELD = {"url": "url", "file": "document", "manual": "certificate"}


def form_for(way: str, data: Any = None, files: Any = None, initial: Any = None) -> forms.Form:
    """Return the form of one way in, one of `FORMS`."""
    return FORMS[way](data, files, initial=initial)
