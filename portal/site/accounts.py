"""Where allauth meets the organizations: adapters, and what a sign-in opens."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.contrib.sites.shortcuts import get_current_site
from django.core.mail import EmailMessage
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from orgs.base import sealed
from orgs.base.clock import now
from orgs.base.text import mail_address
from orgs.events import services as events
from orgs.events.types import TextMail
from orgs.people import services as people
from orgs.tenancy import access
from orgs.tenancy.models import User
from orgs.tenancy.types import SignInMethod
from portal.site import sign_ins
from portal.site.sign_in_limits import LIMIT_MESSAGES, SignInLimits
from portal.site.sign_ins import RefusedSignIn
from portal.site.verification.adapter import VerifyingAdapter

PRODUCT = "Gatehouse"


class AccountAdapter(SignInLimits, VerifyingAdapter):
    """allauth's defaults, with our texts, the public base URL in links, and the client address that trusted proxies report."""

    error_messages = (
        VerifyingAdapter.error_messages
        | LIMIT_MESSAGES
        | {
            "email_password_mismatch": "This address and password don't belong together.",
            "incorrect_password": "This isn't your password.",
            "enter_current_password": "This isn't your current password.",
            "duplicate_email": "Your account has this address already.",
            "rate_limited": "Too many tries. Wait a minute.",
        }
    )

    def get_client_ip(self, request: HttpRequest) -> str:
        return str(getattr(request, "client_ip", "")) or "0.0.0.0"  # noqa: S104 - a name for an unknown address

    def get_reset_password_from_key_url(self, key: str) -> str:
        return public_url(super().get_reset_password_from_key_url(key))

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        address, request_id = str(credentials.get("email", "")), str(getattr(request, "request_id", ""))
        sign_ins.note_refused(RefusedSignIn(address, str(getattr(request, "client_ip", "")), request_id))

    def is_safe_url(self, url: str | None) -> bool:
        """Say whether `next` may lead there: to a path of this site, or to its public address and nowhere else."""
        return is_own_url(url or "")

    def render_mail(self, template_prefix: str, email: str | list[str], *args: Any, **kwargs: Any) -> EmailMessage:
        to = [mail_address(address) for address in ([email] if isinstance(email, str) else email)]
        message: EmailMessage = super().render_mail(template_prefix, to, *args, **kwargs)
        return message

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Leave the mail to a worker: a page never waits for the mail server, and a mail survives its absence."""
        shared = {"request": self.request, "email": email, "current_site": get_current_site(self.request)}
        message = self.render_mail(template_prefix, email, {"base_url": settings.PUBLIC_BASE_URL, **shared, **context})
        mail = TextMail(to=email, subject=str(message.subject), body=str(message.body))
        life = mail_life(template_prefix)
        events.add_account_mail(mail=mail, key=template_prefix, ends_at=now() + life if life else None)


def mail_life(template_prefix: str) -> timedelta | None:
    """Return how long the code or the link in this mail can be used; None when there is neither."""
    lives = {
        "account/email/email_confirmation": settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT,
        "account/email/email_confirmation_signup": settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT,
        "account/email/password_reset_key": settings.PASSWORD_RESET_TIMEOUT,
    }
    seconds = lives.get(template_prefix)
    return None if seconds is None else timedelta(seconds=seconds)


def is_own_url(url: str) -> bool:
    """Say whether a URL is a path of this site, or begins with PUBLIC_BASE_URL.

    Another name in ALLOWED_HOSTS, or in a Host header, is another site to the browser.
    """
    own = urlsplit(settings.PUBLIC_BASE_URL)
    if not url_has_allowed_host_and_scheme(url, {own.netloc}, require_https=own.scheme == "https"):
        return False
    parts = urlsplit(url)
    return not parts.netloc or (parts.scheme or own.scheme) == own.scheme


def public_url(url: str) -> str:
    """Return the same page under the public name of the site, whatever host the request named."""
    return f"{settings.PUBLIC_BASE_URL}{urlsplit(url).path}"


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """TOTP seeds and recovery codes are sealed with FIELD_KEYS."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "This code is wrong, or too old. Type the newest one.",
        "unverified_email": "Confirm your email address first, and remove addresses that you can't confirm.",
        "add_email_blocked": "An account with a second factor can't get an address that isn't confirmed.",
    }

    def encrypt(self, text: str) -> str:
        return sealed.seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return sealed.unseal(encrypted_text)

    def get_totp_issuer(self) -> str:
        return PRODUCT

    def generate_authenticator_name(self, user: User, type: str) -> str:  # noqa: A002 - allauth's own name for it
        """Return a name that this account's keys don't have yet."""
        count = user.authenticator_set.filter(type=type).count()  # type: ignore[attr-defined]  # allauth adds it
        return f"Passkey {count + 1}" if count else "Passkey"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Return the public host name of the site, whatever the request's headers say."""
        return {"id": urlsplit(settings.PUBLIC_BASE_URL).hostname or "localhost", "name": PRODUCT}


@receiver(user_logged_in, dispatch_uid="gatehouse.open_session_grants")
def open_session_grants(request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Grant each active membership after a personal sign-in. A sign-in through an IdP brings its own single grant."""
    if getattr(request, "idp_sign_in", False):
        return
    method = sign_in_method(request)
    with transaction.atomic():
        # organizations are locked before memberships, as everywhere: the audit rows refer to them
        sign_ins.record_sign_in(user, method, ip=str(getattr(request, "client_ip", "")))
        access.open_session_grants(request.session, user, method)
        people.record_account_sign_in(user=user)


def sign_in_method(request: HttpRequest) -> SignInMethod:
    """Return by which proof the person signed in; allauth notes a passkey before it signs in."""
    records = request.session.get("account_authentication_methods", [])
    by_passkey = any(record.get("method") == "mfa" and record.get("passwordless") for record in records)
    return SignInMethod.PASSKEY if by_passkey else SignInMethod.PASSWORD
