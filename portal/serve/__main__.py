"""`python -m portal.serve`: the portal's web server, which production and the demo start in the same way.

SIGTERM stops it, SIGHUP replaces its workers one by one by new ones with the code that is there now.
"""

import argparse
import multiprocessing
import os
import sys
from collections.abc import Callable, Sequence

from portal.serve.server import Server
from portal.serve.worker import try_to_load

HIGHEST_PORT = 65535
MOST_WORKERS = 64


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 after SIGTERM or Ctrl-C, 1 when it can't start."""
    given = read(arguments)
    multiprocessing.set_start_method("fork", force=True)
    server = Server(host=given.host, port=given.port, workers=given.workers, threads=given.threads)
    try:
        server.listen()
    except OSError as error:
        sys.stderr.write(f"The portal can't listen on {given.host} port {given.port}: {error.strerror or error}.\n")
        return 1
    if not can_load():
        return 1
    server.serve()
    return 0


def can_load() -> bool:
    """Say whether a worker could start, which a process of its own tries: a fault would end each worker, for ever."""
    trial = multiprocessing.Process(target=try_to_load, name="trial")
    trial.start()
    trial.join()
    return trial.exitcode == 0


def read(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m portal.serve", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on; default 127.0.0.1")
    parser.add_argument("--port", type=number(1, HIGHEST_PORT), default=8000, help="default 8000")
    parser.add_argument(
        "--workers",
        type=number(2, MOST_WORKERS),
        default=max(2, os.cpu_count() or 2),
        help="processes, 2 at the least; default one for each processor",
    )
    parser.add_argument(
        "--threads",
        type=number(1, 256),
        help="of one process; default half of its database pool, since a request may need two connections",
    )
    return parser.parse_args(arguments)


def number(lowest: int, highest: int) -> Callable[[str], int]:
    """Return an argparse type: a whole number within these bounds."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not lowest <= int(text[:9]) <= highest:
            raise argparse.ArgumentTypeError(f"{text!r} isn't a number from {lowest} to {highest}")
        return int(text)

    return parse


if __name__ == "__main__":
    sys.exit(main())
