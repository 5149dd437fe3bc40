"""One call and its answer, on their way into the request log."""

from dataclasses import dataclass, field
from http import HTTPStatus
from time import perf_counter

import structlog
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, UnreadablePostError

from scim.directories import services as directories
from scim.directories.models import Directory, ScimToken
from scim.protocol.errors import ScimError
from scim.requests import services as requests
from scim.requests.types import LoggedRequest, LoggedResponse

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class RequestRecord:
    """Filled while a view works; written once, in the transaction of the write or after the answer of a read."""

    request: HttpRequest
    path: str
    directory: Directory | None = None
    token: ScimToken | None = None
    resource_id: str = ""
    subject: str = ""
    is_connection_test: bool = False
    began: float = field(default_factory=perf_counter)

    def write(self, response: HttpResponse, error: ScimError | None = None, detail: str = "") -> None:
        """Write this request and its response to the directory's log. Without a directory there is no log."""
        if self.directory is None:
            return
        if self.is_counted(response):
            requests.record_refusal(
                org=self.directory.org,
                directory_id=self.directory.pk,
                token_id=self.token.pk if self.token else None,
                call=self._call(b""),
                answer=self._answer(response, error, detail),
            )
            return
        assert self.token is not None  # noqa: S101 - whatever came without one is counted
        directories.touch_last_used(token=self.token, ip=self._ip())
        row = requests.record(
            org=self.directory.org,
            directory_id=self.directory.pk,
            token_id=self.token.pk,
            call=self._call(_read_body(self.request)),
            answer=self._answer(response, error, detail),
        )
        if self.is_connection_test:
            requests.mark_connection_test(row)

    def write_afterwards(self, response: HttpResponse, error: ScimError | None = None, detail: str = "") -> None:
        """Write what has no transaction to join; a log row that can't be written fails nobody's request."""
        try:
            self.write(response, error, detail)
        except (DatabaseError, InterfaceError) as failure:
            log.warning("scim.log_row_lost", error=type(failure).__name__)

    def is_counted(self, response: HttpResponse) -> bool:
        """Say whether this is only counted in the log: what strangers send, and what a token sends too much."""
        return self.token is None or response.status_code == HTTPStatus.TOO_MANY_REQUESTS

    def _call(self, body: bytes) -> LoggedRequest:
        return LoggedRequest(
            method=self.request.method or "",
            path=self.path,
            query=self.request.META.get("QUERY_STRING", ""),
            body=body,
            ip=self._ip(),
            user_agent=self.request.headers.get("User-Agent", ""),
            content_type=self.request.content_type or "",
            request_id=str(getattr(self.request, "request_id", "")),
        )

    def _answer(self, response: HttpResponse, error: ScimError | None, detail: str) -> LoggedResponse:
        return LoggedResponse(
            status=response.status_code,
            body=response.content,
            error_type=(error.scim_type or "") if error else "",
            detail=detail or (error.detail if error else ""),
            resource_id=self.resource_id,
            subject=self.subject,
            duration_ms=round((perf_counter() - self.began) * 1000),
        )

    def _ip(self) -> str:
        return str(getattr(self.request, "client_ip", ""))


def _read_body(request: HttpRequest) -> bytes:
    try:
        return request.body
    except (RequestDataTooBig, UnreadablePostError):
        return b""
