"""The page on which an admin publishes TXT records, as at a DNS host."""

from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from sandbox.test_idp import records as table
from sandbox.test_idp.config import current
from sandbox.test_idp.forms import RecordForm


@require_http_methods(["GET", "POST"])
def records(request: HttpRequest) -> HttpResponse:
    """Show the records, and publish one more."""
    path = _table()
    form = RecordForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        table.publish(path, form.record())
        return redirect("dns")
    context = {"form": form, "records": table.load_records(path)}
    return render(request, "sandbox_idp/dns.html", context, status=400 if form.is_bound else 200)


@require_POST
def withdraw(request: HttpRequest) -> HttpResponse:
    """Remove one record."""
    table.withdraw(_table(), table.TxtRecord(request.POST.get("name", ""), request.POST.get("value", "")))
    return redirect("dns")


def _table() -> Path:
    path = current().dns
    if path is None:
        raise Http404
    return path
