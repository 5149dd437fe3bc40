"""`python -m sandbox.test_idp`: the sandbox's identity provider, on 127.0.0.1 and nowhere else, until SIGTERM."""

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from sandbox.test_idp.config import HOST, NAME, Config
from sandbox.test_idp.errors import StateUnreadable
from sandbox.test_idp.keys import ensure_keys

HIGHEST_PORT = 65535
THREADS = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 after SIGTERM or Ctrl-C, 1 when it couldn't start."""
    config = read(arguments)
    try:
        require_free(config.port)
        ensure_keys(config.folder)
    except (OSError, StateUnreadable) as error:
        print(f"The identity provider can't start: {error}", file=sys.stderr)  # noqa: T201
        return 1
    config.publish()
    serve(config)
    return 0


def read(arguments: Sequence[str] | None) -> Config:
    """Return what the command line says; there is no host to choose. Exits with a line of help on anything else."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.test_idp", description=__doc__)
    parser.add_argument("--port", type=port, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="where apps, people, keys and DNS records are kept")
    parser.add_argument("--name", default=NAME, help="what the pages call it")
    given = parser.parse_args(arguments)
    return Config(folder=given.folder.resolve(), port=given.port, name=given.name)


def port(text: str) -> int:
    """Raises ArgumentTypeError when the text is no port."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} isn't a number from 1 to {HIGHEST_PORT}")
    return int(text)


def require_free(number: int) -> None:
    """Raises OSError when somebody listens there: granian would share the port with them."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, number))


def serve(config: Config) -> None:
    """Serve the site until a signal comes."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "sandbox.test_idp.settings"
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    server = Granian(
        "sandbox.test_idp.wsgi:application",
        address=HOST,
        port=config.port,
        interface=Interfaces.WSGI,
        blocking_threads=THREADS,
        websockets=False,
        log_level=LogLevels.warning,
    )
    server.serve()


if __name__ == "__main__":
    sys.exit(main())
