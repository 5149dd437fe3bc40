"""The environment variables that operators rely on; each may also be given as NAME_FILE."""

import os
from pathlib import Path

import environ

NAMES = (
    "DATABASE_URL",
    "REDIS_URL",
    "PUBLIC_BASE_URL",
    "SECRET_KEY",
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


def read_secret_files() -> None:
    """Every NAME_FILE that is set has filled NAME with the file's stripped text; NAME itself wins when both are set.

    Raises RuntimeError naming the variable when its file can't be read.
    """
    for name in NAMES:
        path = os.environ.get(f"{name}_FILE")
        if not path or name in os.environ:
            continue
        try:
            os.environ[name] = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise RuntimeError(f"{name}_FILE names a file that can't be read: {path} ({error.strerror})") from error


read_secret_files()
env = environ.Env()
