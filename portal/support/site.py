from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from orgs.base.read_only_admin import ReadOnlyAdmin

View = Callable[..., HttpResponse]


class SupportAdminSite(AdminSite):
    """Support's site: staff with a second step look things up, and change nothing."""

    site_title = "Gatehouse support"
    site_header = "Gatehouse support"
    index_title = "Look up"
    final_catch_all_view = True

    def has_permission(self, request: HttpRequest) -> bool:
        """Allow active staff who gave a personal proof and a second factor in this session."""
        from portal.support.staff_access import StaffAccess, staff_access_of

        return staff_access_of(request) is StaffAccess.STAFF

    def register(self, model_or_iterable: Any, admin_class: type[Any] | None = None, **options: Any) -> None:
        """Register read-only pages, and leave out libraries' own pages on accounts, factors and sessions, which write."""
        if admin_class is not None and issubclass(admin_class, ReadOnlyAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def admin_view(self, view: View, cacheable: bool = False) -> View:  # type: ignore[override]
        """Lead whoever may not enter to where they can prove themselves, before Django's own check."""
        from portal.support.staff_access import lead_away

        guarded = super().admin_view(view, cacheable)

        @wraps(guarded)
        def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            return lead_away(request) or guarded(request, *args, **kwargs)

        return wrapper

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Redirect to the one sign-in page, with its second step and its rate limits."""
        if request.user.is_authenticated:
            return redirect("admin:index")
        return redirect_to_login(reverse("admin:index"), reverse("account_login"))

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # type: ignore[override]
        return redirect("account_logout")

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return redirect("account_change_password")

    def password_change_done(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return redirect("account_change_password")
