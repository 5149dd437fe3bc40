"""One call and its answer, on their way into the request log."""

from dataclasses import dataclass, field
from http import HTTPStatus
from time import perf_counter

import structlog
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, UnreadablePostError

from scim.activity import services as activity
from scim.directories import services as directories
from scim.directories.models import Directory
from scim.directories.types import ScimCaller
from scim.protocol.errors import ScimError
from scim.protocol.remarks import Remarks
from scim.requests import services as requests
from scim.requests.types import LoggedRequest, LoggedResponse

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class RequestRecord:
    """Filled while a view works; written once, in the transaction of the write or after the answer of a read."""

    request: HttpRequest
    path: str
    caller: ScimCaller | None = None
    # whose URL a stranger called
    refused_by: Directory | None = None
    resource_id: str = ""
    subject: str = ""
    is_connection_test: bool = False
    # what of the request had no effect
    remarks: Remarks = field(default_factory=Remarks)
    # of a list
    total_results: int | None = None
    returned: int | None = None
    began: float = field(default_factory=perf_counter)

    def write(self, response: HttpResponse, error: ScimError | None = None, detail: str = "") -> None:
        """Write this request and its response to the directory's log. Without a directory there is no log."""
        directory = self.refused_by if self.caller is None else self.caller.directory
        if directory is None or self.is_rehearsed:
            return
        answer = self._answer(response, error, detail)
        if self.caller is None or self.is_counted(response):
            token_id = self.caller.token_id if self.caller else None
            requests.record_refusal(
                org_id=directory.org_id,
                directory_id=directory.pk,
                token_id=token_id,
                call=self._call(b""),
                answer=answer,
            )
            return
        directories.touch_last_used(caller=self.caller)
        row = requests.record(
            org_id=directory.org_id,
            directory_id=directory.pk,
            token_id=self.caller.token_id,
            call=self._call(_read_body(self.request)),
            answer=answer,
        )
        if self.is_connection_test and error is None:
            requests.mark_connection_test(row)
            activity.record_connection_test(deletion=row)

    def write_read(self, response: HttpResponse) -> None:
        """Write a read that was answered: its row goes to the log soon after, with those of other reads."""
        assert self.caller is not None  # noqa: S101 - whatever came without one is refused
        if self.is_rehearsed:
            return
        try:
            directories.touch_last_used(caller=self.caller)
        except (DatabaseError, InterfaceError) as failure:
            log.warning("scim.last_use_lost", error=type(failure).__name__)
        requests.buffer_read(
            org_id=self.caller.org_id,
            directory_id=self.caller.directory_id,
            token_id=self.caller.token_id,
            call=self._call(b""),
            answer=self._answer(response, None, ""),
        )

    def write_afterwards(self, response: HttpResponse, error: ScimError | None = None, detail: str = "") -> None:
        """Write what has no transaction to join; a log row that can't be written fails nobody's request."""
        try:
            self.write(response, error, detail)
        except (DatabaseError, InterfaceError) as failure:
            log.warning("scim.log_row_lost", error=type(failure).__name__)

    @property
    def is_rehearsed(self) -> bool:
        """Return whether this is a call of a rehearsal, which shows its calls itself and leaves none in the log."""
        return self.caller is not None and self.caller.admission.is_rehearsal

    def is_counted(self, response: HttpResponse) -> bool:
        """Say whether this is only counted in the log: what strangers send, and what a token sends too much."""
        return self.caller is None or response.status_code == HTTPStatus.TOO_MANY_REQUESTS

    def _call(self, body: bytes) -> LoggedRequest:
        return LoggedRequest(
            method=self.request.method or "",
            path=self.path,
            query=self.request.META.get("QUERY_STRING", ""),
            body=body,
            ip=self.ip,
            user_agent=self.request.META.get("HTTP_USER_AGENT", ""),
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
            total_results=self.total_results,
            returned=self.returned,
            duration_ms=round((perf_counter() - self.began) * 1000),
            remarks=self.remarks.text(),
        )

    @property
    def ip(self) -> str:
        return str(getattr(self.request, "client_ip", ""))


def _read_body(request: HttpRequest) -> bytes:
    try:
        return request.body
    except (RequestDataTooBig, UnreadablePostError):
        return b""
