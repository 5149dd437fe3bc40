"""What this machine has, found out by trying it, and an environment in which nothing of the caller's leaks."""

import ast
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
POSTGRES_URL = os.environ.get("TEST_POSTGRES_URL") or "postgres://postgres@127.0.0.1:5432/postgres"
REDIS_URL = os.environ.get("TEST_REDIS_URL") or "redis://127.0.0.1:6379/15"
# the shell is the same browser without windows, which draws for nobody
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CONNECT_SECONDS = 3
# set by who measures a part, for that part's own processes
MEASURING = "SLIPCOVER_"
# what the settings or the tools read besides the operators' names
ALSO_READ = {"DEFAULT_FROM_EMAIL", "DJANGO_SETTINGS_MODULE", "PORT", "MAKEFLAGS", "MAKELEVEL"}


def operator_names() -> tuple[str, ...]:
    """Return the variables that portal/env.py names, without importing it: that would read the caller's secret files."""
    tree = ast.parse((ROOT / "portal" / "env.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "NAMES":
            names: tuple[str, ...] = ast.literal_eval(node.value)
            return names
    raise LookupError("portal/env.py names no variables")


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without anything that would configure Gatehouse."""
    unwanted = {*ALSO_READ}.union(*({name, f"{name}_FILE"} for name in operator_names()))
    return {name: text for name, text in environment.items() if name not in unwanted and not name.startswith(MEASURING)}


def postgres_problem() -> str:
    """Return why PostgreSQL can't be used, or an empty text when it answers."""
    import psycopg

    try:
        psycopg.connect(POSTGRES_URL, connect_timeout=CONNECT_SECONDS).close()
    except psycopg.Error as error:
        return f"no PostgreSQL at TEST_POSTGRES_URL ({' '.join(str(error).split())})"
    return ""


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
