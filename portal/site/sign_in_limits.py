"""How often a password may be tried: for each browser, each account and each network address.

An account can't be locked by strangers: a browser in which somebody has signed in to it has a limit of its own, and a
reset of the password starts all over. allauth's own limits take a lock and four statements each; these take one.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal import ratelimit
from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

from orgs.base.counters import Limit, LimitReached, clear, give_back, take
from orgs.base.text import address_key
from orgs.tenancy.models import User

COOKIE = "__Host-known_browser" if settings.IS_HTTPS else "known_browser"
SALT = "portal.site.known_browser"
LIFE = timedelta(days=90)
# every attempt, right or wrong
ATTEMPTS = Limit("sign_in.attempts", 300, timedelta(minutes=1), is_sliding=True)
# wrong passwords; the narrower limit is asked first, so that what it refuses doesn't count in the wider one
ONE_BROWSER = Limit("sign_in.browser", 5, timedelta(minutes=5), is_sliding=True)
ONE_ACCOUNT = Limit("sign_in.account", 50, timedelta(hours=1), is_sliding=True)
ONE_ADDRESS = Limit("sign_in.address", 60, timedelta(minutes=10), is_sliding=True)
PROBLEMS = {
    ONE_BROWSER: "too_many_login_attempts",
    ONE_ACCOUNT: "too_many_for_account",
    ONE_ADDRESS: "too_many_from_address",
}
LIMIT_MESSAGES = {
    "too_many_login_attempts": "Too many failed sign-ins. Wait six minutes, or reset your password.",
    "too_many_for_account": "Too many failed sign-ins to this account. Reset its password, or use a passkey or SSO.",
    "too_many_from_address": "Too many failed sign-ins from your network. Wait twelve minutes, or use a passkey or SSO.",
}


@dataclass(slots=True)
class Counted:
    """Where one attempt was counted. allauth calls `rollback` when the password turns out to be right."""

    counters: list[str] = field(default_factory=list)

    def rollback(self) -> None:
        give_back(*self.counters)


class SignInLimits(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """allauth's adapter with limits that one visitor can't use up for everybody else."""

    error_messages = DefaultAccountAdapter.error_messages | LIMIT_MESSAGES

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count this attempt before the password is looked at. Raises ValidationError when a limit is reached.

        An attempt that one limit refuses isn't counted by the next: who tries one account again and again uses up
        nothing that others behind the same network address need.
        """
        account, address = address_key(credentials.get("email") or ""), ratelimit.get_ip(request)
        try:
            take(ATTEMPTS, address)
        except LimitReached as reached:
            raise ImmediateHttpResponse(ratelimit.respond_429(request)) from reached
        attempts = [(ONE_BROWSER, _browser_key(request, account))]
        if known_browser(request, account) is None:
            attempts.append((ONE_ACCOUNT, account))
        attempts.append((ONE_ADDRESS, address))
        self._login_failed_rl_usage = Counted()
        for limit, key in attempts:
            try:
                self._login_failed_rl_usage.counters.append(take(limit, key))
            except LimitReached as reached:
                raise self.validation_error(PROBLEMS[limit]) from reached

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        """Let the owner in again after a reset of the password."""
        account = address_key(credentials.get("email") or "")
        clear(ONE_BROWSER, _browser_key(request, account))
        clear(ONE_ACCOUNT, account)

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        remember_browser(request, response, address_key(user.email))
        return response


def _browser_key(request: HttpRequest, account: str) -> str:
    return f"{account}:{known_browser(request, account) or ratelimit.get_ip(request)}"


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
