"""Where browsers come to sign in, sent by an app or by a tile."""

from dataclasses import asdict
from typing import Any

from django.core import signing
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.timezone import now
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sandbox.test_idp.addresses import page_of
from sandbox.test_idp.authn_request import read_post, read_redirect, require_match
from sandbox.test_idp.config import current
from sandbox.test_idp.delivery import SignIn, deliver, readable
from sandbox.test_idp.errors import ChoiceUnknown, NothingToReplay, RequestUnreadable
from sandbox.test_idp.forms import SignInForm
from sandbox.test_idp.keys import ensure_keys
from sandbox.test_idp.metadata import MEDIA_TYPE, build_metadata
from sandbox.test_idp.middleware import policy
from sandbox.test_idp.state import find_app, load_people
from sandbox.test_idp.types import App, AuthnRequestFacts, Delivery, Fault, IdpPerson, Visit

HOUR = 3600


@require_safe
def metadata(request: HttpRequest, app_id: str) -> HttpResponse:
    """Hand out the app's metadata."""
    app = find_app(current().folder, app_id)
    certificate = ensure_keys(current().folder).signing.certificate
    return HttpResponse(build_metadata(app, page_of(app).sso, certificate), MEDIA_TYPE)


@require_http_methods(["GET", "POST"])
def sso(request: HttpRequest, app_id: str) -> HttpResponse:
    """Take an AuthnRequest by either binding, then ask who signs in, or answer at once."""
    app = find_app(current().folder, app_id)
    given = request.POST if request.method == "POST" else request.GET
    text = given.get("SAMLRequest", "")
    asked = read_post(text) if request.method == "POST" else read_redirect(text, is_signed="Signature" in given)
    require_match(asked, app, page_of(app).sso)
    return _receive(request, app, Visit(asked, given.get("RelayState") or None))


@require_safe
def open_app(request: HttpRequest, app_id: str) -> HttpResponse:
    """Sign in without having been asked (IdP-initiated), as by a click on a tile."""
    visit = Visit(relay_state=request.GET.get("RelayState") or None)
    return _receive(request, find_app(current().folder, app_id), visit)


@require_POST
def sign_in(request: HttpRequest, app_id: str) -> HttpResponse:
    """Answer the app as the form says."""
    app = find_app(current().folder, app_id)
    visit = _read_visit(request.POST.get("visit", ""), app)
    form = _form(app, visit, request.POST)
    if not form.is_valid():
        return _ask(request, app, visit, form)
    if not visit.request:
        visit = Visit(relay_state=form.cleaned_data["relay_state"] or None)
    request.session["person"] = form.cleaned_data["person"]
    try:
        delivery = deliver(current().folder, app, SignIn(visit, form.who(), form.choice()), now=now())
    except NothingToReplay as problem:
        form.add_error("fault", problem.public)
        return _ask(request, app, visit, form)
    return _send(request, app, delivery, is_shown=form.cleaned_data["is_shown"])


def _receive(request: HttpRequest, app: App, visit: Visit) -> HttpResponse:
    email = request.GET.get("auto") or app.sign_in_as
    if not email:
        initial = {"person": request.session.get("person"), "relay_state": visit.relay_state}
        return _ask(request, app, visit, _form(app, visit, initial=initial))
    order = SignIn(visit, _known(email), app.usual_choice(_fault(request.GET)))
    return _send(request, app, deliver(current().folder, app, order, now=now()))


def _known(email: str) -> IdpPerson:
    if not email.isprintable():
        raise ChoiceUnknown("The address holds a character that can’t be shown.")
    return next((one for one in load_people(current().folder) if one.email == email), IdpPerson(email))


def _fault(given: QueryDict) -> Fault:
    try:
        return Fault(given.get("fault", Fault.NONE))
    except ValueError as error:
        raise ChoiceUnknown(f"A fault is one of these: {', '.join(Fault.values)}.") from error


def _form(app: App, visit: Visit, given: QueryDict | None = None, **named: Any) -> SignInForm:
    people = load_people(current().folder)
    return SignInForm(app, people, given, is_solicited=visit.request is not None, **named)


def _ask(request: HttpRequest, app: App, visit: Visit, form: SignInForm) -> HttpResponse:
    context = {"app": app, "asked": visit.request, "form": form, "visit": _write_visit(visit, app)}
    return render(request, "sandbox_idp/sign_in.html", context, status=400 if form.is_bound else 200)


def _send(request: HttpRequest, app: App, delivery: Delivery, *, is_shown: bool = False) -> HttpResponse:
    context = {"app": app, "delivery": delivery, "readable": readable(delivery) if is_shown else ""}
    response = render(request, "sandbox_idp/send.html", context)
    # the form leads to the app, and from there perhaps on to another host
    response.headers["Content-Security-Policy"] = policy("http: https:")
    return response


def _write_visit(visit: Visit, app: App) -> str:
    """Return the visit as the form carries it: signed, so that it comes back as it was."""
    return signing.dumps(asdict(visit), salt=f"visit:{app.id}", compress=True)


def _read_visit(text: str, app: App) -> Visit:
    try:
        row = signing.loads(text, salt=f"visit:{app.id}", max_age=HOUR)
    except signing.BadSignature as error:
        raise RequestUnreadable("This form is too old, or wasn’t made here. Start again at the app.") from error
    return Visit(row["request"] and AuthnRequestFacts(**row["request"]), row["relay_state"])
