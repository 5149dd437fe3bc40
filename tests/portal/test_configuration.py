"""Every variable is checked before anything starts: all faults at once, one line for each, and no secret in it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from portal import configuration, env
from portal.configuration import find_faults
from tests.architecture.source import ROOT
from tests.portal.test_settings import NEVER_SET, PRODUCTION

WRONG = [
    ("DATABASE_URL", "nonsense", "must be postgres://"),
    ("DATABASE_URL", "mysql://127.0.0.1/gatehouse", "must be postgres://"),
    ("DATABASE_URL", "postgres:gatehouse", "must be postgres://"),
    ("DATABASE_URL", "postgres://user:hidden@127.0.0.1:port/gatehouse", "must be postgres://"),
    ("DATABASE_URL", "postgres://127.0.0.1:5432/", "names no database"),
    ("DATABASE_URL", "sqlite://", "names no database"),
    ("REDIS_URL", "foo", "must be redis://"),
    ("REDIS_URL", "redis://", "must be redis://"),
    ("REDIS_URL", "redis://[::1", "must be redis://"),
    ("REDIS_URL", "unix://", "must be redis://"),
    ("REDIS_URL", "redis://127.0.0.1:6379/first", "number of a Redis database"),
    ("PUBLIC_BASE_URL", "gatehouse.example", "must be an origin"),
    ("PUBLIC_BASE_URL", "ftp://gatehouse.example", "must be an origin"),
    ("PUBLIC_BASE_URL", "https://gatehouse.example/portal", "must be an origin"),
    ("PUBLIC_BASE_URL", "https://user@gatehouse.example", "must be an origin"),
    ("FIELD_KEYS", "hidden", "each of FIELD_KEYS must be 32 random bytes"),
    ("FIELD_KEYS", ",", "holds no key"),
    ("ALLOWED_HOSTS", "https://gatehouse.example", "must hold names of hosts"),
    ("ALLOWED_HOSTS", "gatehouse.example:8000", "must hold names of hosts"),
    ("ALLOWED_HOSTS", "[not-an-address]", "must hold names of hosts"),
    ("EMAIL_URL", "hidden", "must be smtp+tls://"),
    ("EMAIL_URL", "smtp://", "must be smtp+tls://"),
    ("EMAIL_URL", "smtp://mail.example:hidden", "must be smtp+tls://"),
    ("DEFAULT_FROM_EMAIL", "Gatehouse", "must be an address"),
    ("LOG_LEVEL", "verbose", "must be one of DEBUG"),
    ("DEBUG", "maybe", "must be true or false"),
    ("TRUSTED_PROXY_COUNT", "-1", "must be a number from 0 to 10"),
    ("TRUSTED_PROXY_COUNT", "abc", "must be a number from 0 to 10"),
    ("TRUSTED_PROXY_COUNT", "11", "must be a number from 0 to 10"),
    ("METRICS_TOKEN", "hidden token", "must be ASCII without spaces"),
    ("SAML_CLOCK_SKEW", "301", "must be a number from 0 to 300"),
    ("SAML_CLOCK_SKEW", "1.5", "must be a number from 0 to 300"),
]
RIGHT = [
    ("DATABASE_URL", "postgres://user:p%40ss@127.0.0.1:5432/gatehouse"),
    ("DATABASE_URL", "sqlite:////var/lib/gatehouse.sqlite3"),
    ("DATABASE_URL", "sqlite://:memory:"),
    ("REDIS_URL", "redis://:password@127.0.0.1:6379/3"),
    ("REDIS_URL", "rediss://redis.example"),
    ("REDIS_URL", "unix:///run/redis.sock"),
    ("PUBLIC_BASE_URL", "http://localhost:8000/"),
    ("SECRET_KEY", "any"),
    ("SECRET_KEY_FALLBACKS", "any"),
    ("FIELD_KEYS", PRODUCTION["FIELD_KEYS"]),
    ("ALLOWED_HOSTS", "gatehouse.example, .other.example,127.0.0.1,[::1],*"),
    ("EMAIL_URL", "smtp+tls://user:password@mail.example:587"),
    ("EMAIL_URL", "consolemail://"),
    ("DEFAULT_FROM_EMAIL", "Gatehouse <no-reply@gatehouse.example>"),
    ("LOG_LEVEL", "debug"),
    ("DEBUG", "False"),
    ("TRUSTED_PROXY_COUNT", "0"),
    ("METRICS_TOKEN", "token"),
    ("SAML_CLOCK_SKEW", "300"),
]


def test_every_environment_variable_has_a_rule():
    assert set(configuration.RULES) == set(env.NAMES)


def test_every_environment_variable_is_tested_with_a_right_value():
    assert {name for name, _ in RIGHT} == set(env.NAMES)


@pytest.mark.parametrize(("name", "value", "problem"), WRONG)
def test_find_faults_names_the_variable_and_what_to_write(name, value, problem):
    (line,) = find_faults({name: value}, {}, production=False)
    assert line.startswith(f"{name} ")
    assert problem in line
    assert "hidden" not in line
    assert "\n" not in line


@pytest.mark.parametrize(("name", "value"), RIGHT)
def test_find_faults_is_empty_for_a_right_value(name, value):
    assert find_faults({name: value}, {}, production=False) == []


def test_find_faults_lists_all_faults_in_production_at_once():
    given = {**dict.fromkeys(env.NAMES, "? ?"), "OUTBOUND_ALLOWS_LOOPBACK": "1"}
    lines = find_faults(given, {}, production=True)
    assert {line.split()[0] for line in lines} == {*env.NAMES, "OUTBOUND_ALLOWS_LOOPBACK"}


def test_find_faults_names_an_unreadable_file_instead_of_a_missing_variable():
    given = {name: text for name, text in PRODUCTION.items() if name != "SECRET_KEY"}
    assert find_faults(given, {"SECRET_KEY": "SECRET_KEY_FILE can't be read"}, production=True) == [
        "SECRET_KEY_FILE can't be read"
    ]


def test_find_faults_is_empty_for_production_with_what_it_needs():
    assert find_faults(PRODUCTION | {"DEBUG": "off", "SECRET_KEY_FALLBACKS": "k" * 50}, {}, production=True) == []


STARTS = {
    "manage.py": ([sys.executable, "manage.py", "check"], "portal.settings.dev"),
    "manage.py doctor in production": ([sys.executable, "manage.py", "doctor"], "portal.settings.production"),
    "worker": ([str(Path(sys.executable).parent / "celery"), "-A", "portal.celery", "worker"], "portal.settings.dev"),
    "server": ([sys.executable, "-c", "import portal.wsgi"], "portal.settings.production"),
    "demo": ([sys.executable, "-m", "sandbox"], "portal.settings.dev"),
}


@pytest.mark.parametrize(("command", "settings"), STARTS.values(), ids=STARTS)
def test_every_process_start_prints_all_faults_without_a_traceback(command, settings, tmp_path):
    surroundings = {name: text for name, text in os.environ.items() if name not in NEVER_SET}
    given = PRODUCTION | {
        "DATABASE_URL": "nonsense",
        "REDIS_URL": "foo",
        "TRUSTED_PROXY_COUNT": "abc",
        "LOG_LEVEL": "verbose",
        "METRICS_TOKEN_FILE": str(tmp_path / "nowhere"),
        "DJANGO_SETTINGS_MODULE": settings,
        "PORT": "18473",
    }
    done = subprocess.run(command, cwd=ROOT, env=surroundings | given, capture_output=True, text=True, timeout=60)
    told = [line.split()[0] for line in done.stderr.splitlines()]
    expected = {"DATABASE_URL", "REDIS_URL", "TRUSTED_PROXY_COUNT", "LOG_LEVEL", "METRICS_TOKEN_FILE"}
    assert (done.returncode, set(told), len(told)) == (1, expected, 5), done.stderr
