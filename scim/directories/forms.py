from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django import forms

from orgs.base.networks import is_in_one_of, read_network
from scim.directories.types import MAX_NETWORKS, TokenOrder, TokenSettings


class NetworksField(forms.CharField):
    """Addresses and networks, one on each line; cleaned to CIDR form, each once."""

    def __init__(self) -> None:
        super().__init__(
            required=False,
            max_length=4000,
            label="Allowed addresses",
            widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
            help_text="One address or network on each line, such as 192.0.2.7 or 192.0.2.0/24. Empty: every address.",
        )

    def clean(self, value: Any) -> tuple[str, ...]:
        lines = [line.strip() for line in str(super().clean(value)).replace(",", "\n").splitlines()]
        networks = dict.fromkeys(self._read(line) for line in lines if line)
        if len(networks) > MAX_NETWORKS:
            raise forms.ValidationError(f"At most {MAX_NETWORKS} addresses and networks are taken. Join some of them.")
        return tuple(networks)

    def _read(self, line: str) -> str:
        try:
            return read_network(line)
        except ValueError as error:
            raise forms.ValidationError(
                f"“{line[:60]}” is no address and no network. Write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/48."
            ) from error


class LabelForm(forms.Form):
    """What a token is called, and from where it may be used."""

    label = forms.CharField(
        max_length=100,
        label="Name",
        help_text="Where the token will live, for example “JumpCloud production”.",
        error_messages={"required": "Give the token a name, so that you can tell it from the next one."},
    )

    def clean_label(self) -> str:
        label: str = self.cleaned_data["label"]
        if not label.isprintable():
            raise forms.ValidationError("The name holds a character that can't be shown. Type it again.")
        return label


class TokenForm(LabelForm):
    """What an admin says about a new bearer token."""

    expires_in = forms.TypedChoiceField(
        label="Expires",
        coerce=int,
        choices=[(365, "In 1 year"), (90, "In 90 days"), (730, "In 2 years"), (0, "Never")],
        help_text="You are told 14, 3 and 1 days before. Two tokens can be live at once, so you can rotate without a gap.",
    )
    networks = NetworksField()
    nonce = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def order(self) -> TokenOrder:
        """Return what was asked for; the form must be valid."""
        days = self.cleaned_data["expires_in"]
        return TokenOrder(
            label=self.cleaned_data["label"],
            nonce=self.cleaned_data["nonce"],
            expires_in=timedelta(days=days) if days else None,
            allowed_networks=self.cleaned_data["networks"],
        )


class RotateForm(TokenForm):
    """A new token in place of another one, and for how long both work."""

    overlap = forms.TypedChoiceField(
        label="The old token works for",
        coerce=int,
        initial=7,
        choices=[(1, "1 more day"), (7, "7 more days"), (30, "30 more days"), (0, "As long as it did before")],
        help_text="Paste the new token into your identity provider within this time.",
    )
    field_order = ("label", "expires_in", "overlap", "networks")

    @classmethod
    def of(cls, old: TokenSettings, data: Any = None) -> "RotateForm":
        """Return the form, filled in with what the old token has."""
        return cls(data, initial=old.shown())

    def overlap_time(self) -> timedelta | None:
        """Return for how long the old token goes on, or None for no change; the form must be valid."""
        days = self.cleaned_data["overlap"]
        return timedelta(days=days) if days else None


class ChangeForm(LabelForm):
    """A live token's name and networks. `confirm` is asked for when its last call came from elsewhere."""

    networks = NetworksField()
    confirm = forms.BooleanField(required=False, label="Save anyway: that address is not my identity provider’s")

    def __init__(self, token: TokenSettings, data: Any = None) -> None:
        super().__init__(data, initial=token.shown())
        self.token = token

    @property
    def asks(self) -> bool:
        """Return whether the form asks for the confirmation."""
        return "confirm" in self.errors

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        networks: Sequence[str] = self.cleaned_data.get("networks", ())
        address = self.token.last_used_ip
        is_shut_out = networks and address and not is_in_one_of(networks, address)
        if is_shut_out and not self.cleaned_data.get("confirm"):
            self.add_error(
                "confirm", f"The last request came from {address}, which isn’t in your list: it would be refused."
            )
        return cleaned


class EndForm(forms.Form):
    """When a token ends. A token in use ends at once only for somebody who says that they know."""

    when = forms.TypedChoiceField(
        label="When",
        coerce=int,
        initial=0,
        widget=forms.RadioSelect,
        choices=[(0, "Now"), (1, "In 24 hours"), (7, "In 7 days")],
        error_messages={"required": "Choose when the token ends."},
    )
    confirm = forms.BooleanField(
        required=False, label="Revoke it now, although an identity provider used it in the last 24 hours"
    )

    def __init__(self, token: TokenSettings, data: Any = None) -> None:
        super().__init__(data)
        self.is_in_use = token.is_in_use
        if not self.is_in_use:
            del self.fields["confirm"]

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if self.is_in_use and self.cleaned_data.get("when") == 0 and not self.cleaned_data.get("confirm"):
            self.add_error("confirm", "Tick this to revoke it now, or let it end later.")
        return cleaned

    def delay(self) -> timedelta:
        """Return after what time the token ends; the form must be valid."""
        return timedelta(days=self.cleaned_data["when"])
