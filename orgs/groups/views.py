from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from orgs.groups import queries
from orgs.groups.forms import GroupSearchForm
from orgs.tenancy.access import OrgRequest, admin_required

PAGE_SIZE = 50


@require_safe
@admin_required
def groups(request: OrgRequest, org_slug: str) -> HttpResponse:
    """Show the groups of the organization, with how many are in each."""
    form = GroupSearchForm(request.GET)
    page = Paginator(queries.list_groups(request.org, form.text()), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "orgs/groups.html", {"form": form, "page": page})


@require_safe
@admin_required
def group(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
    """Show one group and its members."""
    found = queries.find_group(request.org, public_id)
    form = GroupSearchForm(request.GET)
    members = queries.list_group_members(found, form.text())
    page = Paginator(members, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "orgs/group.html", {"group": found, "form": form, "page": page})
