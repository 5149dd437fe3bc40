"""The view base of the SCIM endpoint: bearer → directory, one transaction for a write, errors, log."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import structlog
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError, InterfaceError, transaction
from django.http import HttpRequest, HttpResponse, QueryDict, UnreadablePostError
from django_scim.views import SCIMView

from orgs.base.database import RETRY_AFTER_SECONDS, is_connected
from scim.directories import queries as directories
from scim.directories import services as tokens
from scim.directories.errors import TokenRefused
from scim.directories.types import Deleted, ScimCaller
from scim.endpoint import bearer
from scim.endpoint.errors import translate
from scim.endpoint.limits import READ_WEIGHT, WRITE_WEIGHT, limits
from scim.endpoint.listing import Listing
from scim.endpoint.request_record import RequestRecord
from scim.endpoint.types import ACCEPTED_MEDIA, SCIM_JSON, ScimRequest
from scim.protocol import errors, jsontext
from scim.protocol.paging import PageRequest
from scim.protocol.preconditions import names_version
from scim.protocol.projection import project
from scim.protocol.schemas import Document
from scim.protocol.search import Search, read_search_body
from scim.protocol.wire import list_text
from scim.requests import queries as requests
from scim.requests.services import is_private

log = structlog.get_logger(__name__)
CHALLENGE = 'Bearer realm="SCIM"'
# any value of a user's groups, or of a group's members
REFERENCE = dict.fromkeys(("value", "$ref", "display", "type"), "any")
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
WRITES = WITH_BODY | {"DELETE"}


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource as JSON text, and what the headers say of it."""

    text: str
    location: str
    version: str


@dataclass(frozen=True, slots=True)
class Page:
    """The resources of a page as JSON texts, and how many there are in all."""

    resources: list[str]
    total: int


class EndpointView(SCIMView):  # type: ignore[misc]  # django-scim2 has no types
    """django-scim2's view with its dispatch replaced: the library commits half-done writes and trusts cookies."""

    http_method_names: ClassVar[list[str]] = ["get", "post", "put", "patch", "delete"]
    # what changes without a new version, in views of resources that have one
    unversioned: ClassVar[str]
    # whatever the method is
    only_reads: ClassVar[bool] = False
    record: RequestRecord
    request: ScimRequest
    # the directory's id as the URL has it, and the digest of the token that was shown
    directory: str
    digest: str

    def dispatch(self, request: ScimRequest, directory: str = "", **kwargs: str) -> HttpResponse:
        """Answer in SCIM's form, whatever happens; a write's rows, audit, outbox and log row commit together or not at all."""
        self.record = RequestRecord(request, _tail(request, directory))
        self.directory, self.digest = directory, bearer.read_digest(request)
        try:
            refusal = limits.check(self.digest, self.record.ip, self.weight)
            if refusal is not None:
                self._admit(request)
                raise refusal
            return self._read(request, kwargs) if request.method == "GET" else self._write(request, kwargs)
        except Exception as error:  # noqa: BLE001 - the last resort: a console must get a SCIM error, never a page
            return self._refuse(error)

    def _admit(self, request: ScimRequest) -> None:
        request.caller = bearer.admit(request, directory=self.directory, digest=self.digest)
        self.record.caller = request.caller
        limits.note_admission(self.digest, self.weight)
        if request.method in WITH_BODY:
            _refuse_media(request)

    def _read(self, request: ScimRequest, kwargs: dict[str, str]) -> HttpResponse:
        self._admit(request)
        response = self._act(request)(request, **kwargs)
        self.record.write_read(response)
        return response

    def _write(self, request: ScimRequest, kwargs: dict[str, str]) -> HttpResponse:
        """Admit, change and log in one transaction, which nobody opens who hasn't shown a token that opened one before."""
        if not limits.has_admitted(self.digest):
            self._admit(request)
        self._require_body(request)
        with transaction.atomic():
            self._admit(request)
            response = self._act(request)(request, **kwargs)
            self.record.write(response)
        return response

    def _require_body(self, request: ScimRequest) -> None:
        """Have the whole body before the transaction. Raises RequestDataTooBig, UnreadablePostError, TokenRefused."""
        try:
            _ = request.body
        except (RequestDataTooBig, UnreadablePostError):
            # the log row of the refusal names the token
            self._admit(request)
            raise

    def _act(self, request: ScimRequest) -> Callable[..., HttpResponse]:
        """Return what answers this method. Raises MethodNotAllowed."""
        name = (request.method or "").lower()
        act: Callable[..., HttpResponse] | None = getattr(self, name, None) if name in self.http_method_names else None
        if act is None:
            raise errors.MethodNotAllowed(
                f"{request.method} isn't possible here. Allowed: {', '.join(self.allowed())}."
            )
        return act

    def _refuse(self, error: Exception) -> HttpResponse:
        refusal = translate(error)
        if isinstance(error, TokenRefused):
            limits.note_refusal(self.digest, self.record.ip)
        response = scim_json(refusal.to_body(), status=refusal.status)
        if refusal.status == 401:
            response["WWW-Authenticate"] = CHALLENGE
        if refusal.status == 405:
            response["Allow"] = ", ".join(self.allowed())
        if isinstance(refusal, errors.TooManyRequests):
            response["Retry-After"] = str(refusal.retry_after)
        if refusal.status == 503:
            response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        if refusal.status == 503 and not is_connected():
            # the log is in the same database: to wait for it a second time would only keep the caller
            return response
        if isinstance(error, TokenRefused):
            self._note_stranger(error)
        if self.record.caller is not None and not self.record.is_counted(response):
            self._name_resource(self.kwargs.get("uuid", ""))
        self.record.write_afterwards(response, refusal, error.reason if isinstance(error, TokenRefused) else "")
        return response

    def _note_stranger(self, error: TokenRefused) -> None:
        """Have the refusal counted in the log of the directory that the URL names, and at the token if it was known."""
        try:
            if error.token is not None:
                tokens.note_refused_use(token=error.token, ip=self.record.ip)
            self.record.refused_by = directories.find_by_public_id(self.directory)
        except (DatabaseError, InterfaceError) as failure:
            log.warning("scim.log_row_lost", error=type(failure).__name__)

    def _name_resource(self, scim_id: str) -> None:
        """Name in the log what a refused call was about: its URL has the id, and whoever reads the log knows the name."""
        if not scim_id or self.record.subject:
            return
        try:
            self.record.resource_id = scim_id
            directory = self.caller.directory
            known = self.name_of(scim_id)
            self.record.subject = known or requests.latest_subject(directory.org_id, directory.pk, scim_id)
        except (DatabaseError, InterfaceError) as failure:
            log.warning("scim.log_subject_lost", error=type(failure).__name__)

    def name_of(self, scim_id: str) -> str:
        """Return the name of the resource with this id; empty where this address has no such resources, or none now."""
        return ""

    def allowed(self) -> list[str]:
        return [name.upper() for name in self.http_method_names if hasattr(self, name)]

    @property
    def weight(self) -> float:
        """Return what this request takes of its token's limit."""
        return WRITE_WEIGHT if self.request.method in WRITES and not self.only_reads else READ_WEIGHT

    def load_body(self, body: bytes) -> Document:
        """Return the body as an object. Raises InvalidSyntax."""
        return jsontext.decode(body)

    def answer(self, document: Mapping[str, Any], *, status: int = 200) -> HttpResponse:
        """Return one resource with its Location, reduced to the attributes that were asked for (RFC 7644 §3.9)."""
        version = document["meta"].get("version")
        response = (
            HttpResponse(status=304) if self._has(version) else scim_json(self.asked_for(document), status=status)
        )
        response["Location"] = document["meta"]["location"]
        if version is not None:
            response["ETag"] = version
        return response

    def _has(self, version: str | None) -> bool:
        """Say whether the client has the resource by If-None-Match (RFC 7644 §3.14).

        What is asked for with something that has no part in the version may be another one, and is always sent.
        """
        header = self.request.META.get("HTTP_IF_NONE_MATCH") if self.request.method == "GET" else None
        if header is None or version is None or not names_version(header, version):
            return False
        return self.unversioned not in self.asked_for({self.unversioned: [REFERENCE]})

    def answer_text(self, resource: Resource, *, status: int = 200) -> HttpResponse:
        """Return one resource that is JSON text already."""
        if self._has(resource.version):
            response = HttpResponse(status=304)
        else:
            response = HttpResponse(self.asked_for_text(resource.text), status=status, content_type=SCIM_JSON)
        response["Location"], response["ETag"] = resource.location, resource.version
        return response

    def answer_listing(self, resources: list[str], listing: Listing, search: Search) -> HttpResponse:
        """Return a page that is sorted, or asked for by cursor (RFC 7644 §3.4.2.3, RFC 9865 §2)."""
        self.record.subject = self.looked_for(self.request)
        shown = [self.asked_for_text(text) for text in resources]
        self.record.total_results, self.record.returned = listing.total, len(shown)
        page = search.page if search.cursor is None else None
        text = list_text(shown, total=listing.total, page=page, next_cursor=listing.next_cursor)
        return HttpResponse(text, content_type=SCIM_JSON)

    def answer_page(self, found: Page, page: PageRequest) -> HttpResponse:
        """Return one page of what was found (RFC 7644 §3.4.2.4)."""
        self.record.subject = self.looked_for(self.request)
        shown = [self.asked_for_text(text) for text in found.resources]
        self.record.total_results, self.record.returned = found.total, len(shown)
        return HttpResponse(list_text(shown, total=found.total, page=page), content_type=SCIM_JSON)

    def asked_for_text(self, text: str) -> str:
        """Return the part of a resource, as JSON text, that attributes and excludedAttributes leave."""
        asked = self.request.GET
        if "attributes" in asked or "excludedAttributes" in asked:
            return json.dumps(self.asked_for(json.loads(text)))
        return text

    def asked_for(self, document: Mapping[str, Any]) -> Document:
        """Return the part of a resource that the request's attributes and excludedAttributes leave."""
        asked = self.request.GET
        return project(dict(document), attributes=asked.get("attributes"), excluded=asked.get("excludedAttributes"))

    @property
    def caller(self) -> ScimCaller:
        return self.request.caller

    @property
    def base(self) -> str:
        """Return the Base URL, which is before every location."""
        return directories.base_url(self.caller)

    def require_id(self, scim_id: str) -> None:
        """Raises MethodNotAllowed: a whole collection isn't replaced, patched or deleted."""
        if not scim_id:
            raise errors.MethodNotAllowed(f"{self.request.method} needs the id of one resource at the end of the URL.")
        self.record.resource_id = scim_id

    def refuse_id(self, scim_id: str) -> None:
        """Raises MethodNotAllowed: the service gives the id (RFC 7644 §3.3)."""
        if scim_id:
            raise errors.MethodNotAllowed("POST goes to the collection, without an id: the service gives the id.")

    def looked_for(self, request: ScimRequest) -> str:
        """Return the quoted value of a filter, so that the log finds lookups by the name that was looked for.

        Nothing where the filter compares what the log must not keep.
        """
        expression = request.GET.get("filter", "")
        _, _, rest = expression.partition('"')
        return "" if is_private(expression) else rest.rpartition('"')[0]

    def deleted(self, scim_id: str, gone: Deleted) -> HttpResponse:
        self.record.resource_id, self.record.subject = scim_id, gone.name
        self.record.is_connection_test = gone.was_test
        return HttpResponse(status=204)


class SearchView(EndpointView):
    """`.search`: a query as a body, which names in it stay out of logs of addresses (RFC 7644 §3.4.3)."""

    http_method_names: ClassVar[list[str]] = ["post"]
    only_reads: ClassVar[bool] = True

    def post(self, request: ScimRequest, uuid: str = "") -> HttpResponse:
        query = QueryDict(mutable=True)
        query.update(read_search_body(self.load_body(request.body)))
        request.GET = query  # type: ignore[assignment]  # it isn't changed from here on
        response: HttpResponse = self.get_many(request)
        return response


# cookies admit nobody here, so no form of another site can act; as an attribute it costs no call
EndpointView.dispatch.csrf_exempt = True  # type: ignore[attr-defined]


class UnknownView(EndpointView):
    """Whatever the endpoint doesn't have: 404 in SCIM's form, for callers who showed a token."""

    def _absent(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        raise errors.ResourceNotFound("There is no such endpoint. The Base URL ends with the directory's id.")

    get = post = put = patch = delete = _absent


class UnimplementedView(EndpointView):
    """What the protocol has and this service doesn't: 501 in SCIM's form, as the configuration says (RFC 7644 §3.12)."""

    def _lacking(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        raise errors.NotImplementedByUs("This service has no such operation. ServiceProviderConfig tells what it has.")

    get = post = put = patch = delete = _lacking


def _refuse_media(request: HttpRequest) -> None:
    """Raises UnsupportedMediaType for what isn't declared as JSON, and for what is compressed (RFC 9110 §15.5.16)."""
    if (request.content_type or "") not in ACCEPTED_MEDIA:
        raise errors.UnsupportedMediaType(f"Send the body as {SCIM_JSON} or application/json.")
    if str(request.META.get("HTTP_CONTENT_ENCODING", "")).strip().casefold() not in ("", "identity"):
        raise errors.UnsupportedMediaType("Send the body as it is, without Content-Encoding: it isn't unpacked.")


def scim_json(document: Mapping[str, Any], *, status: int = 200) -> HttpResponse:
    return HttpResponse(json.dumps(document), status=status, content_type=SCIM_JSON)


def _tail(request: HttpRequest, directory: str) -> str:
    """Return the path after the Base URL."""
    _, found, tail = request.path_info.partition(f"/{directory}")
    return tail or "/" if found else request.path_info
