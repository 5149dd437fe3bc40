"""Sign in by a passkey, without a row of the database for whoever only asks for a challenge."""

from datetime import timedelta
from typing import Any

from allauth.mfa.webauthn.internal.auth import STATE_SESSION_KEY
from allauth.mfa.webauthn.views import login_webauthn
from django.conf import settings
from django.core import signing
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

COOKIE = "__Host-passkey" if settings.IS_HTTPS else "passkey"
SALT = "portal.site.passkeys"
LIFE = timedelta(minutes=5)


@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Answer as allauth does, with the challenge in a signed cookie: in the session it would be a row for each GET."""
    if request.method == "POST" and (state := _take_challenge(request)) is not None:
        request.session[STATE_SESSION_KEY] = state
    response: HttpResponse = login_webauthn(request)
    state = request.session.pop(STATE_SESSION_KEY, None)
    if request.method == "POST":
        response.delete_cookie(COOKIE, samesite="Strict")
    elif state is not None:
        response.set_cookie(
            COOKIE,
            signing.dumps(state, salt=SALT),
            max_age=LIFE,
            secure=settings.IS_HTTPS,
            httponly=True,
            samesite="Strict",
        )
    return response


def _take_challenge(request: HttpRequest) -> dict[str, Any] | None:
    """Return the challenge that this browser was given within five minutes; each counts once."""
    try:
        state: dict[str, Any] = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=LIFE)
    except signing.BadSignature:
        return None
    return state if cache.add(f"passkey.{state['challenge']}", 1, LIFE.total_seconds()) else None
