"""No secret of a path, query, header or token is in a log line, whoever writes the line."""

import io
import json
import logging
import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
import structlog
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils.log import log_response

from orgs.base import credentials
from portal.settings.logs import configure
from portal.settings.masking import mask_secrets
from tests.architecture.source import modules

CANARY = "Canary7f3a2b9d"
# text in a path that is no secret: ids and names which lead nowhere without a session or a token
PLAIN_PARAMETERS = {
    *("directory", "uuid", "name"),
    *("object_id", "app_label", "url", "content_type_id"),
}
PLAIN_QUERIES = {"auto", "page", "way", "revision", "shown", "filter", "next", "attempt", "answer"}
READ_QUERY = re.compile(
    r"""request\.GET(?:\.get\(|\[)["'](\w+)["']|["'](\w+)["'] (?:not )?in (?:self\.)?request\.GET"""
)


def routes(resolver: URLResolver, namespace: str = "") -> Iterator[tuple[str, URLPattern, set[str]]]:
    """Yield the name, the pattern and the parameters in text of every route; UUIDs, numbers and slugs are no secrets."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from routes(pattern, inner)
            continue
        route = pattern.pattern
        known = {name: type(each).__name__ for name, each in route.converters.items()}
        names = set(known) | set(getattr(route, "regex", re.compile("")).groupindex)
        yield (
            f"{namespace}{pattern.name}",
            pattern,
            {name for name in names if known.get(name) not in {"UUIDConverter", "IntConverter", "SlugConverter"}},
        )


SECRET_ROUTES = sorted(
    (name, tuple(sorted(parameters)))
    for name, pattern, parameters in routes(get_resolver())
    if parameters - PLAIN_PARAMETERS
)


def secret_path(name: str, parameters: tuple[str, ...]) -> str:
    return reverse(name, kwargs=dict.fromkeys(parameters, CANARY))


PATHS = [secret_path(*route) for route in SECRET_ROUTES]


@pytest.fixture(params=[True, False], ids=["json", "console"])
def lines(request):
    """What our handler writes, at the most talkative level."""
    stream, root = io.StringIO(), logging.getLogger()
    formatter = configure("DEBUG", as_json=request.param)["formatters"]["lines"]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter["()"](**{name: value for name, value in formatter.items() if name != "()"}))
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def test_secret_routes_include_invitation_and_reset_links():
    assert {
        "people:invitation",
        "people:accept",
        "account_confirm_email",
        "account_reset_password_from_key",
    } <= {name for name, _ in SECRET_ROUTES}


@pytest.mark.parametrize("path", PATHS)
def test_mask_secrets_hides_the_secret_of_every_route_that_takes_text(path):
    # a route that is new here either belongs into SECRET_PATHS, or its parameter into PLAIN_PARAMETERS
    for spelling in (
        path,
        f"https://gatehouse.example{path}?a=1",
        quote(path, safe=""),
        quote(quote(path, safe=""), safe=""),
    ):
        assert CANARY not in mask_secrets(f"Not Found: {spelling} (x)"), spelling


def test_query_parameters_read_by_views_are_listed_as_plain_or_masked():
    read = {name for module in modules() for pair in READ_QUERY.findall(module.text) for name in pair if name}
    assert {"to", "id"} <= read
    shown = {name for name in read if CANARY in mask_secrets(f"/sso/?{name}={CANARY}")}
    assert shown - {"download", "excludedAttributes", "attributes"} <= PLAIN_QUERIES


@pytest.mark.parametrize("prefix", ["ghs_", "ghk_", "ghi_", "ghp_"])
def test_mask_secrets_hides_every_kind_of_token(prefix):
    plain = credentials.mint(prefix).plain
    assert mask_secrets(f"refused {plain}, again") == "refused [hidden], again"


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        (f"GET /sso/continue/?to={CANARY}&page=2 HTTP/1.1", "GET /sso/continue/?to=[hidden]&page=2 HTTP/1.1"),
        (f"/saml/1/finish?id={CANARY}", "/saml/1/finish?id=[hidden]"),
        (f"/a/?next=%2Fsso%2F%3Fto%3D{CANARY}%26page%3D2", "/a/?next=%2Fsso%2F%3Fto%3D[hidden]%26page%3D2"),
        (f"SAMLResponse={CANARY}%2B%3D&RelayState={CANARY}", "SAMLResponse=[hidden]&RelayState=[hidden]"),
        (f"Authorization: Bearer {CANARY}", "Authorization: Bearer [hidden]"),
        (f"redis://:{CANARY}@127.0.0.1:6379/0", "redis://[hidden]@127.0.0.1:6379/0"),
        (f"Cookie: __Host-session={CANARY}; a=b", "Cookie: __Host-session=[hidden]; a=b"),
        (f"/invitations/a%41{CANARY}/accept/", "/invitations/[hidden]/accept/"),
        (f"//invitations//{CANARY}", "//invitations//[hidden]"),
    ],
)
def test_mask_secrets_hides_the_secret_and_keeps_the_rest(line, masked):
    assert mask_secrets(line) == masked


@pytest.mark.parametrize(
    "line",
    [
        "GET /orgs/acme/settings/members/?page=2 HTTP/1.1",
        "/scim/v2/1/Users?filter=userName eq x",
        "olga@acme.example was invited",
        "https://gatehouse.example/accounts/password/reset/",
    ],
)
def test_mask_secrets_keeps_text_without_secrets(line):
    assert mask_secrets(line) == line


@pytest.mark.parametrize("path", PATHS)
def test_log_lines_of_a_refused_form_or_missing_page_have_no_secret(db, lines, path):
    browser = Client(enforce_csrf_checks=True)
    browser.post(path, {"password1": CANARY})
    browser.get(f"{path}nowhere/")
    text = lines.getvalue()
    assert "[hidden]" in text
    assert CANARY not in text


@pytest.mark.parametrize("path", PATHS)
def test_log_lines_of_a_server_error_have_no_secret(rf, lines, path):
    try:
        raise LookupError(f"nothing at {path}?to={CANARY}")
    except LookupError as error:
        request = rf.get(path)
        log_response(
            "%s: %s", "Internal Server Error", path, response=HttpResponse(status=500), request=request, exception=error
        )
    assert CANARY not in lines.getvalue()
    assert "LookupError" in lines.getvalue()


@pytest.mark.parametrize("name", ["django.server", "granian.access", "celery", "anything.else"])
def test_log_lines_of_libraries_have_no_secret(lines, name):
    logger = logging.getLogger(name)
    propagates, logger.propagate = logger.propagate, True
    try:
        logger.error('"%s" %s', f"GET /invitations/{CANARY}/ HTTP/1.1", {"query": f"?to={CANARY}"}, stack_info=True)
    finally:
        logger.propagate = propagates
    assert "[hidden]" in lines.getvalue()
    assert CANARY not in lines.getvalue()


def test_fields_of_structured_log_lines_have_no_secret(lines):
    structlog.get_logger("portal.canary").error(
        "refused", tried=[{"path": f"/invitations/{CANARY}/"}], token=f"ghs_{CANARY}"
    )
    assert lines.getvalue().count("[hidden]") == 2
    assert CANARY not in lines.getvalue()


def test_masked_log_line_is_valid_json():
    config = configure("INFO", as_json=True)
    formatter = config["formatters"]["lines"]
    record = logging.LogRecord("a", logging.INFO, "", 1, f'at /invitations/{CANARY}\nand "?to={CANARY}"', (), None)
    made = formatter["()"](**{name: value for name, value in formatter.items() if name != "()"})
    assert json.loads(made.format(record))["event"] == 'at /invitations/[hidden]\nand "?to=[hidden]"'


def test_log_handlers_all_use_the_masking_formatter():
    config = configure("INFO", as_json=True)
    assert {handler["formatter"] for handler in config["handlers"].values()} == {"lines"}
    assert {name for logger in config["loggers"].values() for name in logger.get("handlers", [])} <= {"stderr"}
