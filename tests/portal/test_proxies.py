"""Whether TRUSTED_PROXY_COUNT fits what arrives: doctor, a warning on start, one line of the log a minute."""

import pytest
from django.core.cache import cache
from django.db import DatabaseError
from django.test import Client, override_settings

from portal.serve import worker
from portal.site import checks, middleware, proxies

CLIENT, PROXY = "198.51.100.1", "10.0.0.1"


@pytest.fixture(autouse=True)
def forgotten(db):
    cache.delete(proxies.NOTE)


def ask(*forwarded: str, path: str = "/") -> None:
    """One process is asked often enough for a note, with the values of X-Forwarded-For in turn."""
    client = Client()
    for value in forwarded * proxies.LEAST_REQUESTS:
        client.get(path, headers={"X-Forwarded-For": value} if value else {})


@pytest.mark.parametrize(
    ("trusted", "forwarded", "verdict"),
    [
        (0, ["", ""], "ok"),
        (0, [CLIENT], "X-Forwarded-For arrives, but TRUSTED_PROXY_COUNT is 0"),
        (1, [CLIENT], "ok"),
        (1, [f"6.6.6.6, {CLIENT}"], "ok"),
        (1, [""], "X-Forwarded-For arrives with 0 addresses, but TRUSTED_PROXY_COUNT is 1"),
        (2, [CLIENT], "X-Forwarded-For arrives with 1 addresses, but TRUSTED_PROXY_COUNT is 2"),
        (2, [f"{CLIENT}, {PROXY}"], "ok"),
    ],
)
def test_proxy_check_compares_trusted_proxy_count_with_the_headers_received(trusted, forwarded, verdict):
    with override_settings(TRUSTED_PROXY_COUNT=trusted):
        ask(*forwarded)
        found = checks.proxy()
    assert found.verdict == verdict
    assert bool(found.advice) is (verdict != "ok")


def test_doctor_includes_the_proxy_check():
    assert checks.proxy in checks.ALL


def test_proxy_check_passes_when_only_one_of_several_requests_has_the_header():
    ask("", "", CLIENT)
    assert cache.get(proxies.NOTE)["unfitting"] > 0
    assert checks.proxy().is_ok


def test_proxy_check_reports_nothing_before_the_least_number_of_requests():
    client = Client()
    for _ in range(proxies.LEAST_REQUESTS - 1):
        client.get("/", headers={"X-Forwarded-For": CLIENT})
    assert cache.get(proxies.NOTE) is None
    assert checks.proxy().is_ok
    client.get("/", headers={"X-Forwarded-For": CLIENT})
    assert not checks.proxy().is_ok


def test_proxy_counts_are_stored_after_the_body_is_read(monkeypatch):
    monkeypatch.setattr(proxies, "LEAST_REQUESTS", 1)
    order: list[str] = []
    read, write = middleware.read_body, cache.set
    monkeypatch.setattr(middleware, "read_body", lambda request: order.append("read") or read(request))
    monkeypatch.setattr(proxies.cache, "set", lambda *given, **named: order.append("written") or write(*given, **named))
    Client().post("/", {"a": "b"}, headers={"X-Forwarded-For": CLIENT})
    assert order == ["read", "written"]


def test_proxy_check_ignores_counts_stored_for_another_trusted_proxy_count():
    ask(CLIENT)
    with override_settings(TRUSTED_PROXY_COUNT=1):
        assert checks.proxy().is_ok


@pytest.mark.parametrize("path", proxies.PROBES)
def test_proxy_counts_ignore_health_probes(path):
    ask(CLIENT, path=path)
    assert cache.get(proxies.NOTE) is None


def test_proxy_counts_are_stored_and_logged_at_most_once_a_minute(monkeypatch, caplog):
    minute = [0.0]
    monkeypatch.setattr(proxies, "monotonic", lambda: minute[0])
    counter = proxies.HopCounter()
    for _ in range(2 * proxies.LEAST_REQUESTS):
        counter.count("/", CLIENT)
    minute[0] = 61.0
    counter.count("/", CLIENT)
    assert [record.name for record in caplog.records].count(proxies.__name__) == 2
    assert cache.get(proxies.NOTE)["unfitting"] == proxies.LEAST_REQUESTS + 1


@pytest.mark.parametrize("act", ["set", "get"])
def test_request_succeeds_when_the_proxy_counts_cannot_be_stored_or_read(monkeypatch, act):
    def lost(*given, **named):
        raise DatabaseError

    monkeypatch.setattr(proxies, "LEAST_REQUESTS", 1)
    monkeypatch.setattr(proxies.cache, act, lost)
    assert Client().get("/", headers={"X-Forwarded-For": CLIENT}).status_code == 302
    assert checks.proxy().verdict == ("unknown (DatabaseError)" if act == "get" else "ok")


@pytest.mark.parametrize(("is_https", "trusted", "warns"), [(True, 0, True), (True, 1, False), (False, 0, False)])
def test_https_without_a_trusted_proxy_warns_at_start_and_in_doctor(capsys, monkeypatch, is_https, trusted, warns):
    monkeypatch.setattr(worker, "load", lambda: None)
    with override_settings(IS_HTTPS=is_https, TRUSTED_PROXY_COUNT=trusted):
        worker.try_to_load()
        assert checks.proxy().is_ok is not warns
    assert ("TRUSTED_PROXY_COUNT is 0" in capsys.readouterr().err) is warns
