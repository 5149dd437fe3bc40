"""Each environment's settings, loaded in a process of their own as the server loads them."""

import json
import os
import subprocess
import sys

import pytest

from portal.env import NAMES
from tests.architecture.source import ROOT

PRODUCTION = {
    "SECRET_KEY": "a-key-of-this-test-that-is-long-enough-to-be-somebodys-own",
    "FIELD_KEYS": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "EMAIL_URL": "smtp://127.0.0.1:25",
    "PUBLIC_BASE_URL": "https://gatehouse.example",
}
NEVER_SET = {*NAMES, *(f"{name}_FILE" for name in NAMES)}
SHOW = """
import json, sys, importlib
settings = importlib.import_module(sys.argv[1])
print(json.dumps({name: getattr(settings, name, None) for name in sys.argv[2:]}))
"""


def load(module: str, *names: str, **given: str) -> subprocess.CompletedProcess[str]:
    """Import one settings module with these variables and no others of ours, and print these settings."""
    surroundings = {name: text for name, text in os.environ.items() if name not in NEVER_SET}
    command = [sys.executable, "-c", SHOW, f"portal.settings.{module}", *names]
    return subprocess.run(command, cwd=ROOT, env=surroundings | given, capture_output=True, text=True, timeout=60)


def shown(module: str, *names: str, **given: str) -> dict:
    done = load(module, *names, **given)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", PRODUCTION)
def test_production_settings_refuse_to_start_without_a_required_variable(name):
    given = {other: text for other, text in PRODUCTION.items() if other != name}
    done = load("production", **given)
    assert done.stderr.startswith(f"{name} is not set: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("SECRET_KEY", "development-only-key-that-production-refuses-to-use", "SECRET_KEY must be your own"),
        ("SECRET_KEY", "short", "SECRET_KEY must be your own"),
        ("DEBUG", "true", "DEBUG can't be on in production"),
        ("OUTBOUND_ALLOWS_LOOPBACK", "true", "OUTBOUND_ALLOWS_LOOPBACK can't be on in production"),
        ("FIELD_KEYS", "ZGV2ZWxvcG1lbnQtb25seS1maWVsZC1rZXktMzJieXQ=", "FIELD_KEYS must be your own"),
        ("FIELD_KEYS", "notakey", "each of FIELD_KEYS must be 32 random bytes"),
        ("SECRET_KEY_FALLBACKS", "short", "SECRET_KEY_FALLBACKS must hold former values"),
        ("PUBLIC_BASE_URL", "https://gatehouse.example/portal", "PUBLIC_BASE_URL must be an origin"),
        ("ALLOWED_HOSTS", "*", "ALLOWED_HOSTS must name the hosts"),
    ],
)
def test_production_settings_refuse_an_unsafe_value(name, value, complaint):
    assert complaint in load("production", **PRODUCTION | {name: value}).stderr


def test_production_settings_have_no_sandbox_options():
    names = ("SANDBOX", "DEBUG", "OUTBOUND_ALLOWS_LOOPBACK", "TEST_IDP_FOLDER")
    assert not any(shown("production", *names, **PRODUCTION).values())
    found = shown("production", "INSTALLED_APPS", "TXT_LOOKUP", **PRODUCTION)
    assert "sandbox" not in found["INSTALLED_APPS"]
    assert found["TXT_LOOKUP"] == "orgs.base.resolver.ask_dns"


def test_cookies_have_the_host_prefix_when_the_site_is_https():
    names = ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE")
    assert list(shown("production", *names, **PRODUCTION).values()) == [
        "__Host-session",
        "__Host-csrftoken",
        True,
        True,
    ]


def test_production_settings_set_hsts_for_a_year_or_more():
    assert shown("production", "SECURE_HSTS_SECONDS", **PRODUCTION)["SECURE_HSTS_SECONDS"] >= 365 * 24 * 3600


def test_allowed_hosts_has_only_the_public_host():
    assert shown("production", "ALLOWED_HOSTS", **PRODUCTION) == {"ALLOWED_HOSTS": ["gatehouse.example"]}


def test_forwarded_scheme_is_trusted_only_behind_a_trusted_proxy():
    trusting = shown("production", "SECURE_PROXY_SSL_HEADER", **PRODUCTION, TRUSTED_PROXY_COUNT="1")
    alone = shown("production", "SECURE_PROXY_SSL_HEADER", **PRODUCTION)
    assert [one["SECURE_PROXY_SSL_HEADER"] for one in (alone, trusting)] == [None, ["HTTP_X_FORWARDED_PROTO", "https"]]


def test_redis_url_is_the_celery_broker():
    found = shown("production", "CELERY_BROKER_URL", **PRODUCTION, REDIS_URL="redis://127.0.0.1:6379/3")
    assert found["CELERY_BROKER_URL"] == "redis://127.0.0.1:6379/3"


def test_celery_broker_is_the_file_system_without_redis():
    assert shown("production", "CELERY_BROKER_URL", **PRODUCTION)["CELERY_BROKER_URL"] == "filesystem://"


@pytest.mark.parametrize("more", [{}, {"REDIS_URL": "redis://127.0.0.1:6379/3"}], ids=["alone", "with redis"])
def test_cache_is_the_table_cache_with_and_without_redis(more):
    found = shown("production", "CACHES", **PRODUCTION, **more)
    assert found["CACHES"] == {"default": {"BACKEND": "orgs.base.cache.TableCache"}}


def test_sqlite_uses_immediate_transactions_and_full_synchronization():
    options = shown("dev", "DATABASES")["DATABASES"]["default"]["OPTIONS"]
    assert options["transaction_mode"] == "IMMEDIATE"
    assert "synchronous=FULL" in options["init_command"]


def test_postgresql_connections_are_pooled():
    given = PRODUCTION | {"DATABASE_URL": "postgres://gatehouse@127.0.0.1:5432/gatehouse"}
    assert "pool" in shown("production", "DATABASES", **given)["DATABASES"]["default"]["OPTIONS"]


def test_dev_settings_load_without_any_variable():
    assert shown("dev", "DEBUG", "PUBLIC_BASE_URL") == {"DEBUG": False, "PUBLIC_BASE_URL": "http://localhost:8000"}


def test_database_url_without_a_name_is_refused():
    assert "DATABASE_URL names no database" in load("dev", DATABASE_URL="postgres://127.0.0.1:5432/").stderr
