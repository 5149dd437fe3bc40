from collections.abc import Callable
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from orgs.base.ids import read_uuid
from orgs.providers.registry import provider
from orgs.tenancy import access
from orgs.tenancy.access import OrgRequest, admin_required
from orgs.tenancy.models import Organization
from orgs.tenancy.types import SETTINGS_ROLES
from sso.attempts import queries as attempts
from sso.attempts.types import ClientInfo
from sso.connections import queries as connections
from sso.connections.models import Connection
from sso.identity.errors import AssertionExpired, SignInError
from sso.signin import cookies, queries, services
from sso.signin.cookies import local_path
from sso.signin.errors import (
    AssertionReplayed,
    OtherPersonSignedIn,
    SignInRefused,
    SignInUnfinished,
    UnsolicitedRefused,
)
from sso.signin.forms import DiscoveryForm
from sso.signin.types import (
    DISCOVERY_LIFE,
    QUESTION_LIFE,
    AlreadySignedIn,
    AnswerRequest,
    FinishRequest,
    Question,
    SignedIn,
    SignInProtocol,
    StartedSignIn,
)
from sso.signin_tests import queries as test_queries
from sso.signin_tests import services as tests
from sso.signin_tests.models import SignInTest

DISCOVERY_SALT = "sso.discovery"
FORM = "application/x-www-form-urlencoded"
AGAIN = "again"
Urls = Callable[[str], str]


@require_GET
def login(request: OrgRequest, public_id: UUID, protocol: SignInProtocol) -> HttpResponse:
    """Send the browser to the IdP with a fresh request, which its own cookie remembers.

    A test remembers the digest of its RelayState, and a refused start is in the log; nothing else is written.
    """
    connection = connections.connection_to_finish(public_id)
    is_again = AGAIN in request.GET
    test = _test_on_its_way(request, connection) if is_again else _own_test(request, connection)
    if is_again and cookies.was_sent_again(request, connection.public_id):
        # the IdP begins sign-ins also when it is asked
        is_other = connection.allow_idp_initiated and test is None
        return _stay(request, connection, OtherPersonSignedIn() if is_other else UnsolicitedRefused(), test)
    return_to = local_path(request.GET.get("next", ""))
    try:
        started = services.begin(
            connection=connection, protocol=protocol, return_to=return_to, test=test, is_again=is_again
        )
    except SignInError as problem:
        return _stay(request, connection, problem)
    response = _send(request, connection, started)
    cookies.remember_flow(request, response, started.flow)
    return response


def _stay(
    request: HttpRequest, connection: Connection, problem: SignInError, test: SignInTest | None = None
) -> HttpResponse:
    refused = services.refuse_start(connection=connection, caller=_caller(request), problem=problem, test=test)
    return _refused_page(request, refused)


def _send(request: HttpRequest, connection: Connection, started: StartedSignIn) -> HttpResponse:
    """Redirect to the IdP, or show the form that posts the request, with the one policy that lets it go there.

    The browser holds the whole way of a form against form-action, and IdPs send it on to hosts of their own.
    """
    outgoing = started.request
    if not outgoing.fields:
        return redirect(outgoing.url)
    context = {"outgoing": outgoing, "provider": provider(started.provider), "connection": connection}
    response = render(request, "sso/post_to_idp.html", context)
    target = urlsplit(outgoing.url)
    response._csp_update = {"form-action": ["https:", f"{target.scheme}://{target.netloc}"]}  # type: ignore[attr-defined]  # noqa: SLF001 - django-csp's own name
    return response


def _own_test(request: OrgRequest, connection: Connection) -> SignInTest | None:
    """Return the test that ?test names, when this admin began it here. Raises Http404 for anybody else's."""
    if "test" not in request.GET:
        return None
    test = _test(connection.org, request.GET["test"])
    if test.connection_id != connection.pk or not _is_own(request, test):
        raise Http404
    return test


def _test_on_its_way(request: OrgRequest, connection: Connection) -> SignInTest | None:
    """Return the own test for which this browser's last request left, while its result is awaited."""
    flow = cookies.newest_flow(request, connection.public_id)
    test = test_queries.awaited_test(connection, flow.test) if flow is not None and flow.test is not None else None
    return test if test is not None and test.is_waiting and _is_own(request, test) else None


def _is_own(request: OrgRequest, test: SignInTest) -> bool:
    grant = request.session_grants.grant_for(test.connection.org.slug)
    return grant is not None and grant.membership.role in SETTINGS_ROLES and test.started_by_id == request.user.pk


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def acs(request: HttpRequest, public_id: UUID, protocol: SignInProtocol) -> HttpResponse:
    """Take the IdP's answer. No cookie is looked at: this request comes from another site.

    Somebody who opens the address itself, or reloads it, is sent to the start of a sign-in.
    """
    connection = connections.connection_to_verify(public_id)
    if request.method != "POST":
        return _see_other(_urls(protocol, public_id)("login"))
    try:
        answer = _answer(request, protocol)
        pending = services.receive(connection=connection, protocol=protocol, answer=answer)
    except SignInRefused as refusal:
        return _refused_answer(request, _urls(protocol, public_id), refusal)
    if pending.pending is None:
        return _start_afresh(_urls(protocol, public_id))
    response = _see_other(f"{_urls(protocol, public_id)('finish')}?{urlencode({'id': pending.pending})}")
    cookies.bind(response, pending.pending, pending.handle)
    return response


def _answer(request: HttpRequest, protocol: SignInProtocol) -> AnswerRequest:
    """Return what was posted; a body that is no form holds nothing, which is refused like any nonsense."""
    caller = _caller(request)
    # this type alone, in which browsers post it: of multipart bodies each part would be parsed
    sent = request.POST.getlist(protocol.answer_field) if request.content_type == FORM else []
    if len(sent) != 1:
        return AnswerRequest("", "", caller)
    return AnswerRequest(sent[0], request.POST.get(protocol.state_field, ""), caller)


def _refused_answer(request: HttpRequest, urls: Urls, refusal: SignInRefused) -> HttpResponse:
    """An answer that was right once goes on to where the browser has its own cookies; in a flood there is no such place."""
    if not refusal.assertion_id or refusal.test is not None or not refusal.attempt.is_in_log:
        return _refused_page(request, refusal)
    tag = cookies.assertion_tag(refusal.assertion_id)
    query = urlencode({"attempt": refusal.attempt.public_id, "answer": tag})
    return _see_other(f"{urls('answered')}?{query}")


@require_GET
def answered(request: OrgRequest, public_id: UUID, protocol: SignInProtocol) -> HttpResponse:
    """The browser has brought an answer a second time, or too late: it goes on if it is signed in by that connection.

    Anybody else sees the refusal. Nothing is written here, and no session is opened or changed.
    """
    connection = connections.connection_to_finish(public_id)
    attempt = queries.find_late_answer(connection, read_uuid(request.GET.get("attempt", "")))
    if attempt is None:
        return _see_other(_urls(protocol, public_id)("login"))
    slug = connection.org.slug
    if queries.is_of_late_answer(attempt, connection, request.session_grants.grant_for(slug)):
        url = cookies.answered_url(request.session, request.GET.get("answer", ""))
        return redirect(url or reverse("org_home", args=[slug]))
    problem = AssertionExpired() if attempt.error == AssertionExpired.code else AssertionReplayed()
    return _refused_page(request, SignInRefused(problem, attempt))


@require_GET
def finish(request: OrgRequest, public_id: UUID, protocol: SignInProtocol) -> HttpResponse:
    """Finish the sign-in or test in the browser, which has its own cookies here.

    Loaded again where that has led to a session, it leads on.
    """
    connection, finish_request = connections.connection_to_finish(public_id), _finish_request(request)
    finished = cookies.finished_url(request.session, finish_request.pending)
    if finished and request.session_grants.grant_for(connection.org.slug) is not None:
        return redirect(finished)
    return _finish(request, connection, finish_request, _urls(protocol, public_id), services.complete)


@require_http_methods(["GET", "POST"])
def switch(request: OrgRequest, public_id: UUID, protocol: SignInProtocol) -> HttpResponse:
    """Ask whether to replace the session in this browser by another person's; it stays unless they say so."""
    connection, finish_request = connections.connection_to_finish(public_id), _finish_request(request)
    if request.method == "POST" and "stay" in request.POST:
        services.decline_sign_in(connection=connection, finish_request=finish_request)
        response: HttpResponse = redirect("home")
        cookies.unbind(response, finish_request.pending)
        return response
    if request.method == "POST":
        return _finish(request, connection, finish_request, _urls(protocol, public_id), services.confirm_sign_in)
    question = queries.find_question(connection, finish_request.pending, finish_request.handle)
    if question is None:
        return _stay(request, connection, SignInUnfinished())
    return render(request, "sso/switch.html", {"question": question, "connection": connection})


def _finish_request(request: OrgRequest) -> FinishRequest:
    pending = read_uuid(request.GET.get("id", ""))
    return FinishRequest(
        pending=pending,
        handle=cookies.handle_of(request, pending),
        flows=cookies.flows_of(request),
        visitor=access.visitor_of(request),
        caller=_caller(request),
    )


def _finish(
    request: OrgRequest,
    connection: Connection,
    finish_request: FinishRequest,
    urls: Urls,
    act: Callable[..., services.Finished],
) -> HttpResponse:
    try:
        done = act(connection=connection, finish_request=finish_request)
    except SignInRefused as refusal:
        return _refused_page(request, refusal)
    response = _after(request, finish_request, urls, done)
    if isinstance(done, SignedIn | Question):
        cookies.forget_flow(response, done.request_id)
    cookies.unbind(response, finish_request.pending)
    return response


def _after(request: OrgRequest, finish_request: FinishRequest, urls: Urls, done: services.Finished) -> HttpResponse:
    """Return where the browser goes next."""
    match done:
        case SignedIn():
            return _after_sign_in(request, finish_request, done)
        case Question():
            query = urlencode({"id": done.pending})
            response = _see_other(f"{urls('switch')}?{query}")
            cookies.bind(response, done.pending, done.handle, QUESTION_LIFE)
            return response
        case AlreadySignedIn():
            return redirect("org_home", done.org_slug)
        case None:
            return _start_afresh(urls)
        case test:
            return _after_test(test)


def _start_afresh(urls: Urls) -> HttpResponse:
    return _see_other(f"{urls('login')}?{AGAIN}=1")


def _urls(protocol: SignInProtocol, public_id: UUID) -> Urls:
    """Return the addresses of this connection's stops, by their names."""
    return lambda name: reverse(f"{protocol.namespace}:{name}", args=[public_id])


def _after_sign_in(request: OrgRequest, finish_request: FinishRequest, done: SignedIn) -> HttpResponse:
    access.sign_in_by_idp(request, done.user, done.session_grant_id)
    url = done.return_to or reverse("org_home", args=[done.membership.org.slug])
    cookies.remember_finished(request.session, finish_request.pending, done.assertion_id, url)
    return redirect(url)


def _after_test(test: SignInTest) -> HttpResponse:
    return _see_other(reverse("signin:test", args=[test.connection.org.slug, test.public_id]))


@require_http_methods(["GET", "POST"])
def discover(request: HttpRequest) -> HttpResponse:
    """Ask for the work address; the answer looks the same whoever it belongs to, and to whatever it leads."""
    next_path = local_path(request.POST.get("next") or request.GET.get("next") or "")
    form = DiscoveryForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        context = {"form": form, "next": next_path}
        return render(request, "sso/discover.html", context, status=400 if form.is_bound else 200)
    address = form.cleaned_data["email"]
    token = signing.dumps([address, next_path], salt=DISCOVERY_SALT, compress=True)
    link = f"{reverse('signin:continue')}?{urlencode({'to': token})}"
    return render(request, "sso/leaving.html", {"link": link, "address": address})


@require_GET
def go_on(request: HttpRequest) -> HttpResponse:
    """Lead to the connection of the address's domain, or say that there is none."""
    try:
        address, next_path = signing.loads(request.GET.get("to", ""), salt=DISCOVERY_SALT, max_age=DISCOVERY_LIFE)
    except signing.BadSignature:
        return redirect("signin:discover")
    connection = queries.connection_for(address)
    if connection is None:
        return render(request, "sso/no_connection.html", {"address": address, "next": next_path})
    query = f"?{urlencode({'next': next_path})}" if next_path else ""
    return redirect(f"{reverse('signin:login', args=[connection.public_id])}{query}")


@require_POST
@admin_required
def start_test(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
    """Begin a test in this tab; the form is sent from another one, which stays where it is."""
    connection = connections.find_connection(request.org, public_id)
    test = tests.start_test(connection=connection, actor=request.actor, starter=request.user)
    link = f"{reverse('signin:login', args=[public_id])}?{urlencode({'test': test.public_id})}"
    return render(
        request, "sso/leaving.html", {"link": link, "test": test, "provider": provider(test.configuration.provider)}
    )


@require_safe
@admin_required
def test(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
    """Show a test: its state, each check, what was received, and the profile that it would give."""
    found = _test(request.org, public_id)
    checks = attempts.check_lines(found.attempt) if found.attempt else []
    context = {
        "test": found,
        "connection": found.connection,
        "checks": checks,
        "advice": attempts.advice(found.attempt) if found.attempt else "",
        "provider": provider(found.configuration.provider),
        "counts": found.revision == found.configuration.revision,
        "received": test_queries.received_rows(found),
        "profile": test_queries.profile_rows(found),
        "missing": test_queries.missing_rows(found),
    }
    name = "sso/test.html#result" if request.headers.get("HX-Request") else "sso/test.html"
    return render(request, name, context)


def _test(org: Organization, public_id: UUID | str) -> SignInTest:
    return test_queries.find_test(org, read_uuid(str(public_id)))


def _refused_page(request: HttpRequest, refusal: SignInRefused) -> HttpResponse:
    """Redirect a test to its result; show a person plain words and a code, and nothing of the reason."""
    if refusal.test is not None:
        return _after_test(refusal.test)
    context = {"problem": refusal.problem, "attempt": refusal.attempt, "connection": refusal.attempt.connection}
    return render(request, "sso/refused.html", context, status=403)


def _see_other(url: str) -> HttpResponse:
    """Redirect so that the next request is a GET (RFC 9110 §15.4.4)."""
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response


def _caller(request: HttpRequest) -> ClientInfo:
    return ClientInfo(
        ip=str(getattr(request, "client_ip", "")),
        user_agent=request.headers.get("User-Agent", ""),
        request_id=str(getattr(request, "request_id", "")),
    )
