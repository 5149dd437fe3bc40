"""What holds for every page."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseForbidden
from django.middleware.csrf import CsrfViewMiddleware
from django.shortcuts import render

from sandbox.test_idp.errors import IdpError

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "frame-ancestors 'none'; form-action {}"
)


def policy(form_action: str) -> str:
    """Return a Content-Security-Policy whose forms lead there."""
    return POLICY.format(form_action)


class PageMiddleware:
    """Pages run no script but ours and are kept nowhere; an error of ours becomes a page that says what to do."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", policy("'self'"))
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, IdpError):
            return render(request, "sandbox_idp/problem.html", {"problem": error}, status=error.status)
        return None


class FormTokenMiddleware(CsrfViewMiddleware):
    """Every form of ours carries a token. Only to the SSO address other sites post, which is what it is for."""

    def process_view(
        self,
        request: HttpRequest,
        callback: Callable[..., HttpResponseBase],
        callback_args: tuple[Any, ...],
        callback_kwargs: dict[str, Any],
    ) -> HttpResponseForbidden | None:
        if request.resolver_match and request.resolver_match.url_name == "sso":
            return None
        return super().process_view(request, callback, callback_args, callback_kwargs)
