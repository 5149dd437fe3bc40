"""Refused host names take one short line each in the log, and are counted beyond a limit."""

import logging
from io import StringIO

import pytest

from portal.settings import logs


@pytest.fixture
def security_lines():
    """What the log of production holds of Django's security loggers."""
    config = logs.configure("INFO", as_json=True)
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(config["filters"]["security"]["()"](per_minute=3))
    logger = logging.getLogger("django.security")
    logger.addHandler(handler)
    yield lambda: stream.getvalue().splitlines()
    logger.removeHandler(handler)


@pytest.fixture
def minute(monkeypatch):
    """Set the minute of the log's clock."""

    def move(number):
        monkeypatch.setattr(logs, "monotonic", lambda: number * 60.0)

    move(1)
    return move


def test_log_handlers_all_have_the_security_filter():
    config = logs.configure("INFO", as_json=True)
    assert all("security" in handler["filters"] for handler in config["handlers"].values())


def test_invalid_host_header_is_logged_in_one_short_line_without_a_traceback(client, db, security_lines, minute):
    assert client.get("/", headers={"host": f"evil{'x' * 500}.example"}).status_code == 400
    (line,) = security_lines()
    assert line.startswith("Invalid HTTP_HOST header: 'evil")
    assert len(line) <= 200


def test_invalid_host_headers_over_the_limit_per_minute_are_counted_and_not_logged(client, db, security_lines, minute):
    for _ in range(10):
        client.get("/", headers={"host": "evil.example"})
    assert len(security_lines()) == 3
    minute(2)
    client.get("/", headers={"host": "evil.example"})
    assert security_lines()[-1].endswith("(7 more lines like it were left out before)")
    minute(3)
    client.get("/", headers={"host": "evil.example"})
    assert "left out" not in security_lines()[-1]


def test_security_filter_keeps_tracebacks_of_other_loggers():
    record = logging.makeLogRecord({"name": "scim.failed", "msg": "x" * 500, "exc_info": (ValueError, None, None)})
    assert logs.SecurityLines(per_minute=0).filter(record)
    assert record.exc_info
    assert len(record.getMessage()) == 500
