"""Whoever started this process is told when it answers."""

import time
from http.client import HTTPConnection, HTTPException

from sandbox.test_idp.config import HOST, Config

PATIENCE_SECONDS = 30.0
PAUSE_SECONDS = 0.05


def announce(config: Config) -> None:
    """Print one line on standard output once the site answers."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if _answers(config.port):
            print(f"{config.name} is ready at {config.base_url}/", flush=True)  # noqa: T201
            return
        time.sleep(PAUSE_SECONDS)


def _answers(port: int) -> bool:
    connection = HTTPConnection(HOST, port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("HEAD", "/")
        connection.getresponse()
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
    return True
