"""The page on which an admin publishes TXT records, as at a DNS host."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from sandbox.test_idp import records
from sandbox.test_idp.config import current
from sandbox.test_idp.forms import RecordForm


@require_http_methods(["GET", "POST"])
def show(request: HttpRequest) -> HttpResponse:
    """Show the records, and publish one more."""
    form = RecordForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        records.publish(current().folder, form.record())
        return redirect("dns")
    context = {"form": form, "records": records.load_records(current().folder)}
    return render(request, "sandbox_idp/dns.html", context, status=400 if form.is_bound else 200)


@require_POST
def withdraw(request: HttpRequest) -> HttpResponse:
    """Remove one record."""
    record = records.TxtRecord(request.POST.get("name", ""), request.POST.get("value", ""))
    records.withdraw(current().folder, record)
    return redirect("dns")
