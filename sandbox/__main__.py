"""`python -m sandbox`, which is `make demo`: database, demo rows and every process, until Ctrl-C."""

import os
import signal
import socket
import sys
import warnings
from threading import Event

from sandbox.processes import CannotStart

DEFAULT_PORT = 8000
# the identity provider takes the next one
HIGHEST_PORT = 65534


def main() -> int:
    """Return 0 after Ctrl-C or SIGTERM, 1 when something couldn't start or ended by itself."""
    try:
        port = free_port(os.environ.get("PORT") or str(DEFAULT_PORT))
        prepare(port)
        return run(port)
    except CannotStart as error:
        print(f"The demo can't start: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        return 0


def free_port(text: str) -> int:
    """Return the port. Raises CannotStart when it isn't one, or when it or the next one is taken."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= HIGHEST_PORT:
        raise CannotStart(f"PORT is {text!r}, which isn't a number from 1 to {HIGHEST_PORT}.")
    port = int(text)
    _require_free(port, f"port {port}")
    _require_free(port + 1, f"port {port + 1}, which the identity provider needs,")
    return port


def _require_free(port: int, name: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CannotStart(
                f"{name} can't be used ({error.strerror}). Choose another: PORT=8123 make demo"
            ) from error


def prepare(port: int) -> None:
    """Prepare the environment, the tables and the demo's rows. Raises CannotStart."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.dev")
    # what is set stays: a tunnel's address lets a real identity provider reach the demo
    os.environ.setdefault("PUBLIC_BASE_URL", f"http://localhost:{port}")
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    # the demo serves static files from where they are written, not from a collected copy
    warnings.filterwarnings("ignore", message="No directory at", module="django")
    import django
    from django.core.exceptions import ImproperlyConfigured
    from django.db import DatabaseError

    from orgs.base.errors import DomainError
    from sandbox.test_idp.errors import StateUnreadable

    try:
        django.setup()
        fill(port)
    except (ImproperlyConfigured, DatabaseError, DomainError, StateUnreadable) as error:
        raise CannotStart(" ".join(str(error).split())) from error


def fill(port: int) -> None:
    """Create the tables and the demo's rows, all or none; rows that somebody has changed since stay as they are."""
    from django.core.management import call_command
    from django.db import connections, transaction

    from sandbox import seeds, serving, single_sign_on

    seeds.require_sandbox()
    call_command("migrate", verbosity=0, interactive=False)
    with transaction.atomic():
        is_new = seeds.seed()
        single_sign_on.connect(single_sign_on.SandboxIdp(serving.idp_url(port), serving.idp_folder()), is_new=is_new)
    connections.close_all()


def run(port: int) -> int:
    """Serve until a signal comes, or until a process ends by itself. Raises CannotStart."""
    from sandbox.serving import serve

    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    return serve(port, stop)


if __name__ == "__main__":
    sys.exit(main())
