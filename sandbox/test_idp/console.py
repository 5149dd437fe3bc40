"""The pages on which an admin sets apps up, as in JumpCloud's console."""

from dataclasses import asdict

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from sandbox.test_idp.addresses import app_id_for, page_of
from sandbox.test_idp.config import current
from sandbox.test_idp.forms import AppForm, AttributeFormSet
from sandbox.test_idp.keys import ensure_keys
from sandbox.test_idp.state import delete_app, find_app, load_apps, save_app
from sandbox.test_idp.types import App


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Show every app, as people and as admins see it."""
    return render(request, "sandbox_idp/index.html", {"apps": load_apps(current().folder)})


@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """Ask for a new app, then show what the app wants to know of us."""
    return _enter(request, None)


@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, app_id: str) -> HttpResponse:
    """Show an app with what it wants to know of us, and take changes."""
    return _enter(request, find_app(current().folder, app_id))


@require_http_methods(["GET", "POST"])
def delete(request: HttpRequest, app_id: str) -> HttpResponse:
    """Ask once, then delete."""
    app = find_app(current().folder, app_id)
    if request.method != "POST":
        return render(request, "sandbox_idp/delete.html", {"app": app})
    delete_app(current().folder, app.id)
    return redirect("index")


@require_safe
def certificate(request: HttpRequest, app_id: str) -> HttpResponse:
    """Hand out the certificate whose key signs, as PEM."""
    app = find_app(current().folder, app_id)
    name = f'attachment; filename="{app.id}-certificate.pem"'
    pem = ensure_keys(current().folder).signing.certificate
    return HttpResponse(pem, "application/x-pem-file", headers={"Content-Disposition": name})


def _enter(request: HttpRequest, app: App | None) -> HttpResponse:
    given = request.POST if request.method == "POST" else None
    form = AppForm(given, initial=asdict(app) if app else {"declares_redirect": True})
    rows = AttributeFormSet(given, initial=[asdict(one) for one in app.attributes] if app else [], prefix="attributes")
    # both are asked, so that all that is wrong is shown together
    if given is None or not (form.is_valid() & rows.is_valid()):
        return _show(request, app, form, rows)
    folder = current().folder
    app_id = app.id if app else app_id_for(form.cleaned_data["label"], load_apps(folder))
    save_app(folder, form.app(app_id, rows.attributes()))
    return redirect("edit", app_id)


def _show(request: HttpRequest, app: App | None, form: AppForm, rows: AttributeFormSet) -> HttpResponse:
    context = {"form": form, "rows": rows}
    if app:
        pem = ensure_keys(current().folder).signing.certificate
        context |= {"app": app, "page": page_of(app), "certificate": pem}
    return render(request, "sandbox_idp/app.html", context, status=400 if form.is_bound else 200)
