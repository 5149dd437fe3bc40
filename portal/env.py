"""The environment variables that operators rely on; each may also be given as NAME_FILE."""

import os
from pathlib import Path

import environ

NAMES = (
    "DATABASE_URL",
    "REDIS_URL",
    "PUBLIC_BASE_URL",
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "FIELD_KEYS",
    "ALLOWED_HOSTS",
    "EMAIL_URL",
    "DEFAULT_FROM_EMAIL",
    "LOG_LEVEL",
    "DEBUG",
    "TRUSTED_PROXY_COUNT",
    "METRICS_TOKEN",
    "SAML_CLOCK_SKEW",
)


def read_secret_files() -> dict[str, str]:
    """Fill each variable that is empty or not set from the file that NAME_FILE names, without outer space.

    An empty variable counts as not set. Returns a sentence for each file that can't be read, by its variable.
    """
    faults: dict[str, str] = {}
    for name in NAMES:
        if not os.environ.get(name, "").strip():
            os.environ.pop(name, None)
        path = os.environ.get(f"{name}_FILE")
        if not path or name in os.environ:
            continue
        try:
            text = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            faults[name] = f"{name}_FILE names a file that can't be read: {path} ({_cause(error)})"
            continue
        if text:
            os.environ[name] = text
    return faults


def _cause(error: OSError | ValueError) -> str:
    return str(error.strerror) if isinstance(error, OSError) else "it isn't UTF-8 text"


FILE_FAULTS = read_secret_files()
env = environ.Env()
