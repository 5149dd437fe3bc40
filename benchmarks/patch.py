"""`python -m benchmarks.patch`: what PATCH costs as documents grow, in CPU seconds and as a ratio to a tenth of the size.

A ratio near 10 is linear; near 100, each value is compared with each.
"""

import sys
from collections.abc import Callable
from time import process_time
from typing import Any

from scim.protocol.group_changes import apply_to_group
from scim.protocol.operations import read_operations
from scim.protocol.patch import apply

OPERATIONS = 1000


def emails(count: int) -> list[dict[str, Any]]:
    return [{"value": f"p{place}@acme.example", "type": "x"} for place in range(count)]


def user_patch(count: int) -> Callable[[], object]:
    """Return a user with `count` values, and 1,000 operations that each name them all."""
    document = {"userName": "uma", "emails": emails(count)}
    operations = read_operations({"Operations": [{"op": "add", "path": "emails", "value": emails(count)}] * OPERATIONS})
    return lambda: apply(document, operations)


def listed_removal(count: int) -> Callable[[], object]:
    """1,000 operations, each naming `count` values that aren't there."""
    document = {"userName": "uma", "emails": emails(100)}
    gone = [{"value": f"gone{place}"} for place in range(count)]
    operations = read_operations({"Operations": [{"op": "remove", "path": "emails", "value": gone}] * OPERATIONS})
    return lambda: apply(document, operations)


def group_patch(count: int) -> Callable[[], object]:
    """Return one operation that adds 10 x `count` members to a group."""
    members = [{"value": f"{place:036}"} for place in range(10 * count)]
    operations = read_operations({"Operations": [{"op": "add", "path": "members", "value": members}]})
    return lambda: apply_to_group(operations)


def seconds(act: Callable[[], object]) -> float:
    """Return the best of three runs, in CPU seconds."""
    found = []
    for _ in range(3):
        began = process_time()
        act()
        found.append(process_time() - began)
    return min(found)


def main() -> None:
    for case in (user_patch, listed_removal, group_patch):
        small, large = seconds(case(10)), seconds(case(100))
        doc = (case.__doc__ or "").splitlines()[0]
        sys.stdout.write(f"{case.__name__:<16} {small:8.4f} s -> {large:8.4f} s  ratio {large / small:6.1f}   {doc}\n")


if __name__ == "__main__":
    main()
