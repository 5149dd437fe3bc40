"""How often a password may be tried: for each browser, each account and each network address.

An account can't be locked by strangers: a browser in which somebody has signed in to it has a limit of its own, and a
reset of the password starts all over. The amounts are in ACCOUNT_RATE_LIMITS.
"""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.internal import ratelimit
from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

from orgs.base.text import address_key
from orgs.tenancy.models import User

APP = "allauth.account"
COOKIE = "__Host-known_browser" if settings.IS_HTTPS else "known_browser"
SALT = "portal.site.known_browser"
LIFE = timedelta(days=90)
ONE_BROWSER, ONE_ACCOUNT, ONE_ADDRESS = "login_failed", "login_failed_account", "login_failed_address"
PROBLEMS = {
    ONE_BROWSER: "too_many_login_attempts",
    ONE_ACCOUNT: "too_many_for_account",
    ONE_ADDRESS: "too_many_from_address",
}
LIMIT_MESSAGES = {
    "too_many_login_attempts": "Too many failed sign-ins. Wait five minutes, or reset your password.",
    "too_many_for_account": "Too many failed sign-ins to this account. Reset its password, or use a passkey or SSO.",
    "too_many_from_address": "Too many failed sign-ins from your network. Wait ten minutes, or use a passkey or SSO.",
}


class SignInLimits(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """allauth's adapter with limits that one visitor can't use up for everybody else."""

    error_messages = DefaultAccountAdapter.error_messages | LIMIT_MESSAGES

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count this attempt before the password is looked at. Raises ValidationError when a limit is reached.

        An attempt that one limit refuses isn't counted by the next: who tries one account again and again uses up
        nothing that others behind the same network address need.
        """
        account = address_key(credentials.get("email") or "")
        attempts: list[tuple[str, str | None]] = [
            (ONE_BROWSER, self._get_login_attempts_cache_key(request, **credentials))
        ]
        if known_browser(request, account) is None:
            attempts.append((ONE_ACCOUNT, account))
        attempts.append((ONE_ADDRESS, None))
        # given back by allauth when the password turns out to be right
        self._login_failed_rl_usage = ratelimit.RateLimitUsage(usage=[])
        for action, key in attempts:
            usage = ratelimit.consume(request, app=APP, action=action, key=key)
            if not usage:
                raise self.validation_error(PROBLEMS[action])
            self._login_failed_rl_usage.usage += usage.usage

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        account = address_key(credentials.get("email") or "")
        return f"{account}:{known_browser(request, account) or ratelimit.get_ip(request)}"

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        """Let the owner in again after a reset of the password."""
        super()._delete_login_attempts_cached_email(request, **credentials)
        ratelimit.clear(request, app=APP, action=ONE_ACCOUNT, key=address_key(credentials.get("email") or ""))

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        remember_browser(request, response, address_key(user.email))
        return response


def known_browser(request: HttpRequest, account: str) -> str | None:
    """Return the name of this browser if somebody has signed in to this account in it; its cookie is signed."""
    try:
        known, name = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=LIFE)
    except (signing.BadSignature, ValueError):
        return None
    return str(name) if known == _digest(account) else None


def remember_browser(request: HttpRequest, response: HttpResponse, account: str) -> None:
    """Set the cookie by which this browser is known, without telling whose it is."""
    name = known_browser(request, account) or uuid4().hex
    response.set_cookie(
        COOKIE,
        signing.dumps([_digest(account), name], salt=SALT),
        max_age=LIFE,
        secure=settings.IS_HTTPS,
        httponly=True,
        samesite="Lax",
    )


def _digest(account: str) -> str:
    return salted_hmac(SALT, account, algorithm="sha256").hexdigest()
