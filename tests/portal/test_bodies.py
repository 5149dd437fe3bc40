"""Each body is read to its end, bounded, before the first query, whatever server calls the portal."""

import json
from io import BytesIO, RawIOBase
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.site import bodies
from tests.scim.bodies import patch_body, user_body

FORM = "application/x-www-form-urlencoded"
LOGIN = "/accounts/login/"
NOBODY = "00000000-0000-0000-0000-000000000000"
ADDRESSES = [
    LOGIN,
    f"/saml/{NOBODY}/acs",
    f"/scim/v2/{NOBODY}/Users",
    "/api/v1/me",
    "/admin/login/",
    "/healthz",
    "/no/",
]


class Watched(BytesIO):
    """Notes how many queries had been made when it was read to its end, and gives one byte at a time."""

    def __init__(self, content: bytes, queries: CaptureQueriesContext) -> None:
        super().__init__(content)
        self.queries = queries
        self.at_end: int | None = None

    def read(self, size: int | None = -1, /) -> bytes:
        part = super().read(1)
        if self.tell() == len(self.getvalue()) and self.at_end is None:
            self.at_end = len(self.queries)
        return part


class Gone(RawIOBase):
    def read(self, size: int = -1, /) -> bytes:
        raise OSError


def chunked(path, content, kind=FORM, **more):
    """Post what a server hands on of a body in chunks: no length, and a stream that ends."""
    unmeasured = {"CONTENT_TYPE": kind, "CONTENT_LENGTH": "", "wsgi.input": content}
    marked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    return Client().generic("POST", path, **unmeasured, **marked, **more)


@pytest.mark.parametrize("path", ADDRESSES)
@pytest.mark.parametrize("is_measured", [True, False], ids=["length", "chunks"])
def test_body_is_read_before_the_first_query_at_every_url(db, path, is_measured):
    with CaptureQueriesContext(connection) as queries:
        stream = Watched(b"login=x&password=y", queries)
        client = Client()
        client.cookies[settings.SESSION_COOKIE_NAME] = "m" * 32
        measured = (
            {"CONTENT_LENGTH": "18"} if is_measured else {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}
        )
        given = {"wsgi.input": stream, "wsgi.input_terminated": True, "HTTP_AUTHORIZATION": "Bearer ghs_x"} | measured
        client.generic("POST", path, content_type=FORM, **given)
    assert stream.at_end == 0


@pytest.mark.parametrize(
    ("path", "kind", "limit"),
    [
        (LOGIN, FORM, settings.DATA_UPLOAD_MAX_MEMORY_SIZE),
        (LOGIN, "multipart/form-data; boundary=x", settings.LARGEST_BODY),
        (f"/saml/{NOBODY}/acs", FORM, settings.LARGEST_SAML_BODY),
        (f"/saml/{NOBODY}/acs", "multipart/form-data; boundary=x", settings.LARGEST_SAML_BODY),
        (f"/saml/{NOBODY}/login", FORM, settings.DATA_UPLOAD_MAX_MEMORY_SIZE),
        (f"/scim/v2/{NOBODY}/Users", "multipart/form-data", settings.DATA_UPLOAD_MAX_MEMORY_SIZE),
    ],
)
def test_largest_body_depends_on_path_and_content_type(path, kind, limit):
    assert bodies.largest_body(path, kind) == limit


@pytest.mark.parametrize("send", ["length", "chunks"])
def test_form_over_the_limit_returns_413_and_its_body_is_discarded(db, send):
    content = BytesIO(b"x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1000))
    if send == "chunks":
        answer = chunked(LOGIN, content)
    else:
        answer = Client().post(LOGIN, content.getvalue(), content_type=FORM, **{"wsgi.input": content})
    assert answer.status_code == 413
    assert answer.content == b"This is larger than 2 MB, the most that is taken here. Send less at once.\n"
    assert content.read() == b""


def test_body_over_the_limit_is_discarded_up_to_a_bound(db, monkeypatch):
    monkeypatch.setattr(bodies, "MOST_DISCARDED", 100_000)
    content = BytesIO(b"x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 200_000))
    assert chunked(LOGIN, content).status_code == 413
    assert content.tell() == settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1 + 100_000


def test_upload_over_the_largest_limit_returns_413(client, db):
    sent = client.post(LOGIN, {"file": SimpleUploadedFile("x", b"0" * settings.LARGEST_BODY)})
    assert sent.status_code == 413
    assert "16 MB" in sent.content.decode()


@pytest.mark.parametrize("length", ["many", "-1", "1_000", "٣"])
@pytest.mark.parametrize("path", [LOGIN, f"/scim/v2/{NOBODY}/Users"])
def test_content_length_that_is_no_number_returns_400(client, db, path, length):
    answer = client.post(path, {"login": "x"}, CONTENT_LENGTH=length)
    assert answer.status_code == 400
    assert "no number" in answer.content.decode()


@pytest.mark.parametrize("stream", [BytesIO(b"login=x"), Gone()], ids=["too little", "an error"])
def test_body_shorter_than_its_content_length_returns_400(db, stream):
    answer = Client().generic("POST", LOGIN, content_type=FORM, CONTENT_LENGTH="70", **{"wsgi.input": stream})
    assert (answer.status_code, answer.content) == (400, b"The body ended before its Content-Length. Send it again.\n")


def test_refused_body_at_a_scim_url_returns_a_scim_error(db):
    answer = Client().generic("POST", f"/scim/v2/{NOBODY}/Users", CONTENT_LENGTH="x")
    assert answer["Content-Type"] == "application/scim+json"
    assert answer.json()["status"] == "400"


def test_chunked_form_is_read(db):
    answer = chunked(LOGIN, BytesIO(urlencode({"login": "typed@acme.example", "password": "x"}).encode()))
    assert b"typed@acme.example" in answer.content


def test_chunked_multipart_form_is_read(db):
    part = b'--x\r\nContent-Disposition: form-data; name="login"\r\n\r\ntyped@acme.example\r\n--x--\r\n'
    answer = chunked(LOGIN, BytesIO(part), "multipart/form-data; boundary=x")
    assert b"typed@acme.example" in answer.content


def in_chunks(scim, method, path, body):
    url = f"/scim/v2/{scim.directory.public_id}{path}"
    given = {"CONTENT_LENGTH": "", "wsgi.input": BytesIO(json.dumps(body).encode()), "wsgi.input_terminated": True}
    headers = {"Authorization": f"Bearer {scim.token}", "Transfer-Encoding": "chunked"}
    return scim.client.generic(method, url, content_type="application/scim+json", headers=headers, **given)


def test_scim_reads_chunked_bodies(scim):
    made = in_chunks(scim, "POST", "/Users", user_body())
    assert made.status_code == 201
    path = f"/Users/{made.json()['id']}"
    assert in_chunks(scim, "PUT", path, user_body(title="Put")).json()["title"] == "Put"
    change = patch_body({"op": "replace", "path": "title", "value": "Patched"})
    assert in_chunks(scim, "PATCH", path, change).json()["title"] == "Patched"


def test_scim_returns_a_413_scim_error_for_a_chunked_body_over_the_limit(scim):
    answer = in_chunks(scim, "POST", "/Users", {"x": "x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE})
    assert (answer.status_code, answer.json()["status"]) == (413, "413")
