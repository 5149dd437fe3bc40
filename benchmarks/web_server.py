"""`python -m benchmarks.web_server`: requests a second of `portal.serve` and of granian's own WSGI, in one run.

Each has two workers of eight threads, on the same SQLite file; the rounds take turns. Prints medians and their ratio.
Exits 1 when `portal.serve` gives less than four fifths of the other for one of the two requests.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from threading import Thread

from tests.faults.portal_server import Portal
from tests.processes import free_port, wait_for

ROUNDS = 5
SECONDS = 4.0
CALLERS = 8
LEAST = 0.8
SIZE = ["--workers", "2"]
GRANIAN = ["granian", "--interface", "wsgi", "--blocking-threads", "8", "--log-level", "error"]
COMMANDS = {
    "granian's WSGI": [*GRANIAN, *SIZE, "portal.wsgi:application"],
    "portal.serve": ["portal.serve", "--threads", "8", *SIZE],
}


@contextmanager
def serving(portal: Portal, command: list[str]) -> Iterator[Portal]:
    portal = replace(portal, port=free_port())
    with portal.process("server", *command, "--port", str(portal.port)) as portal.web:
        wait_for(portal.answers, "the server answers", by=portal.web)
        yield portal


def rate(portal: Portal, path: str) -> float:
    """Return the requests a second that eight callers on kept connections got answered by 200."""
    answered: list[int] = []
    end = time.monotonic() + SECONDS

    def call() -> None:
        connection, count = portal.connection(), 0
        while time.monotonic() < end:
            connection.request("GET", path, headers=portal.bearer())
            answer = connection.getresponse()
            answer.read()
            count += answer.status == 200
        connection.close()
        answered.append(count)

    callers = [Thread(target=call) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    return sum(answered) / SECONDS


def main() -> int:
    ratios = []
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        portal = Portal(Path(folder), f"sqlite:///{folder}/site.sqlite3", extra={"LOG_LEVEL": "ERROR"})
        portal.fill()
        servers = {name: stack.enter_context(serving(portal, command)) for name, command in COMMANDS.items()}
        for name, path in (("/healthz", "/healthz"), ("SCIM GET", f"{portal.scim}/Users?count=1")):
            rounds = [{each: rate(server, path) for each, server in servers.items()} for _ in range(ROUNDS)]
            found = {each: median(one[each] for one in rounds) for each in servers}
            ratios.append(found["portal.serve"] / found["granian's WSGI"])
            shown = ", ".join(f"{each} {number:.0f}/s" for each, number in found.items())
            sys.stdout.write(f"{name:<9} {shown}, ratio {ratios[-1]:.2f}\n")
    return 1 if min(ratios) < LEAST else 0


if __name__ == "__main__":
    sys.exit(main())
