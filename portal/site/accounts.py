"""Where allauth meets the organisations: adapters, and what a sign-in opens."""

from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from orgs.base import sealed
from orgs.people import services as people
from orgs.tenancy import access
from orgs.tenancy.models import User
from orgs.tenancy.types import SignInMethod


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """allauth's defaults, with the client address that our own proxies vouch for."""

    def get_client_ip(self, request: HttpRequest) -> str:
        return str(getattr(request, "client_ip", "")) or "0.0.0.0"  # noqa: S104 - a name for an unknown address


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """TOTP seeds and recovery codes are sealed with FIELD_KEYS."""

    def encrypt(self, text: str) -> str:
        return sealed.seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return sealed.unseal(encrypted_text)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Passkeys belong to the public name of the site, whatever the request's headers say."""
        return {"id": urlsplit(settings.PUBLIC_BASE_URL).hostname or "localhost", "name": "Gatehouse"}


@receiver(user_logged_in, dispatch_uid="gatehouse.open_reach")
def open_reach(request: HttpRequest, user: User, **kwargs: Any) -> None:
    """A personal sign-in reaches every active seat of the account. An IdP's sign-in brings its own single grant."""
    if getattr(request, "idp_sign_in", False):
        return
    people.note_sign_in(user=user)
    access.open_reach(request.session, user, sign_in_method(request))


def sign_in_method(request: HttpRequest) -> SignInMethod:
    """Return by which proof the person signed in; allauth notes a passkey before it signs in."""
    records = request.session.get("account_authentication_methods", [])
    by_passkey = any(record.get("method") == "mfa" and record.get("passwordless") for record in records)
    return SignInMethod.PASSKEY if by_passkey else SignInMethod.PASSWORD
