"""What this machine has, found out by trying it.

`python -m tests.machine` prints a line for each thing that it lacks.
"""

import os
import shutil
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
POSTGRES_URL = os.environ.get("TEST_POSTGRES_URL") or "postgres://postgres@127.0.0.1:5432/postgres"
REDIS_URL = os.environ.get("TEST_REDIS_URL") or "redis://127.0.0.1:6379/15"
# the shell is the same browser without windows, which draws for nobody
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CONNECT_SECONDS = 3


def required() -> frozenset[str]:
    """Return what REQUIRE names: a test that needs it fails where it is missing, instead of being skipped."""
    return frozenset(filter(None, map(str.strip, os.environ.get("REQUIRE", "").split(","))))


@cache
def postgres_problem() -> str:
    """Return why PostgreSQL can't be used, or an empty text when it answers."""
    import psycopg

    try:
        psycopg.connect(POSTGRES_URL, connect_timeout=CONNECT_SECONDS).close()
    except psycopg.Error as error:
        return f"no PostgreSQL at TEST_POSTGRES_URL ({' '.join(str(error).split())})"
    return ""


@cache
def redis_problem() -> str:
    """Return why Redis can't be used, or an empty text when it answers."""
    import redis

    try:
        redis.Redis.from_url(REDIS_URL, socket_timeout=CONNECT_SECONDS, socket_connect_timeout=CONNECT_SECONDS).ping()
    except (redis.RedisError, ValueError) as error:
        return f"no Redis at TEST_REDIS_URL ({error})"
    return ""


def browser() -> str:
    """Return the path of a Chromium, E2E_CHROMIUM first, or an empty text."""
    named = os.environ.get("E2E_CHROMIUM")
    if named:
        return shutil.which(named) or ""
    return next(filter(None, map(shutil.which, BROWSERS)), "")


def browser_problem() -> str:
    """Return why no browser can be driven, or an empty text when there is one."""
    return "" if browser() else f"no Chromium: E2E_CHROMIUM isn't one, or none of {', '.join(BROWSERS)} is installed"


def need(name: str) -> None:
    """Skip the test that runs where this is missing, with the reason; fail it where REQUIRE names it."""
    if problem := NEEDS[name]():
        lack(name, problem)


def lack(name: str, problem: str) -> None:
    """Skip the test that runs, or fail it where REQUIRE names what is missing."""
    import pytest

    if name in required():
        pytest.fail(f"{problem}, and REQUIRE names {name}", pytrace=False)
    pytest.skip(problem)


# what REQUIRE may name, which is also the marker of the tests that need it
NEEDS = {"postgres": postgres_problem, "redis": redis_problem, "browser": browser_problem}


def main() -> int:
    """Print what is missing; the status is 1 when something that REQUIRE names is, or when it names something else."""
    if unknown := required() - NEEDS.keys():
        sys.stdout.write(f"REQUIRE names {', '.join(sorted(unknown))}; it may name {', '.join(NEEDS)}\n")
        return 1
    missing = {name: problem for name, look in NEEDS.items() if (problem := look())}
    for name, problem in missing.items():
        sys.stdout.write(f"{name}: {problem}\n")
    return 1 if required() & missing.keys() else 0


if __name__ == "__main__":
    sys.exit(main())
