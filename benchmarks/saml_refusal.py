"""`python -m benchmarks.saml_refusal`: what it costs to refuse each bad message, in milliseconds of CPU time.

Prints the dearest first. Exits 1 when one isn't refused, or costs more than 50 ms, or 100 ms where it is larger than 256 KB: as
large as the message of somebody in very many groups, each of whose names costs the same to refuse and to accept.
"""

import base64
import sys
from collections.abc import Iterator
from time import process_time

from sso.identity.errors import SignInError
from sso.saml.response import verify
from sso.saml.types import Expectation
from tests.vectors.saml.hostile import HOSTILE
from tests.vectors.saml.world import FOLDER, NOW, expectation

BOUND, LARGE_BOUND = 50.0, 100.0
LARGE = 256 * 1024
RUNS = 3
SHOWN = 15


def fields() -> Iterator[tuple[str, str]]:
    """Return the form field of every bad vector: those on disk, and those that are made when needed."""
    for path in sorted((FOLDER / "bad").glob("*.xml")):
        yield path.stem, base64.b64encode(path.read_bytes()).decode("ascii")
    for name, (_, make) in HOSTILE.items():
        yield name, make()


def milliseconds(field: str) -> float:
    """Return the best of three runs. Raises RuntimeError when the message is accepted."""
    expected = expectation()
    return min(one_run(field, expected) for _ in range(RUNS))


def one_run(field: str, expected: Expectation) -> float:
    began = process_time()
    try:
        verify(field, expected, now=NOW)
    except SignInError:
        return 1000 * (process_time() - began)
    raise RuntimeError


def main() -> int:
    costs = sorted(((milliseconds(field), name, 3 * len(field) // 4) for name, field in fields()), reverse=True)
    for cost, name, size in costs[:SHOWN]:
        sys.stdout.write(f"{name:<44} {size // 1024:4} KB {cost:8.2f} ms\n")
    over = [name for cost, name, size in costs if cost > (LARGE_BOUND if size > LARGE else BOUND)]
    dearest = f"{len(costs)} messages refused, the dearest in {costs[0][0]:.2f} ms of CPU time; bound {BOUND:.0f} ms"
    dearest += f", {LARGE_BOUND:.0f} ms above {LARGE // 1024} KB\n"
    sys.stdout.write(dearest + (f"OVER: {', '.join(over)}\n" if over else ""))
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
