from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from orgs.base.read_only_admin import BoundedPaginator
from orgs.tenancy.access import OrgRequest, admin_required
from sso.attempts import queries
from sso.attempts.errors import AttemptUnknown
from sso.attempts.forms import AttemptSearchForm
from sso.attempts.types import AttemptFilter
from sso.providers.catalogue import provider

PAGE_SIZE = 50


@require_safe
@admin_required
def attempts(request: OrgRequest, org_slug: str) -> HttpResponse:
    """Who tried to sign in through a connection, newest first, and how that ended."""
    form = AttemptSearchForm(request.GET)
    shown = form.shown()
    page = BoundedPaginator(queries.list_attempts(request.org, shown), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "sso/attempts.html", {"form": form, "page": page, "is_filtered": shown != AttemptFilter()})


@require_safe
@admin_required
def attempt(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
    """One attempt: each check, expected against received, and what to change at the IdP."""
    try:
        found = queries.find_attempt(request.org, public_id)
    except AttemptUnknown as error:
        raise Http404 from error
    context = {
        "attempt": found,
        "checks": queries.check_lines(found),
        "advice": queries.advice(found),
        "provider": provider(found.provider),
    }
    return render(request, "sso/attempt.html", context)
