"""`python -m benchmarks.scim_sync [USERS [GROUPS [LARGE]]]`: the first sync of a directory, and one member more in a large group.

Served by `portal.serve` (granian, two workers of eight threads) on a PostgreSQL database of its own, which is dropped at the
end. Eight clients create the users, of a verified domain, and the groups, of 50 members each; then users are changed. At last
one member is added to a group of 100 and to one of LARGE, 40 times each. Exits 1 when a request failed, a process took more
than 200 MB, or the large group took more than 1.3 times as long as the small one.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from queue import Empty, SimpleQueue
from statistics import median, quantiles
from threading import Thread
from urllib.parse import urlsplit

import psycopg

from benchmarks.sign_in import ROOT, Served, Site, database

CLIENTS, IN_GROUP, SMALL, ADDED = 8, 50, 100, 40
MOST_MB, MOST_RATIO = 200, 1.3
FILL = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("create_org", "Acme", slug="acme", owner="o@acme.example")
call_command("add_domain", "acme", "acme.example", "--verified")
call_command("create_scim_token", "acme", "--label", "sync", "--json")
"""
# a group's members, as the service would have added them one by one
MEMBERS = """
INSERT INTO orgs_groupmember (org_id, group_id, membership_id, created_at)
SELECT u.org_id, g.group_id, u.membership_id, now()
FROM scim_directorygroup g JOIN (SELECT * FROM scim_directoryuser ORDER BY id LIMIT %s) u ON true
WHERE g.public_id = %s ON CONFLICT DO NOTHING
"""
COPIES = """
WITH made AS (
  INSERT INTO orgs_membership (org_id, public_id, email, email_key, given_name, family_name, display_name, name_key, role,
    state, origins, created_at)
  SELECT o.id, gen_random_uuid(), 'c' || n || '@c.example', 'c' || n || '@c.example', '', '', '', '', 'user', 'invited',
    'scim', now() FROM orgs_organization o, generate_series(1, %s) n RETURNING id, org_id, public_id)
INSERT INTO orgs_groupmember (org_id, group_id, membership_id, created_at)
SELECT made.org_id, g.group_id, made.id, now() FROM made JOIN scim_directorygroup g ON g.public_id = %s
"""


@dataclass
class IdpClient:
    """One connection of an identity provider."""

    port: int
    path: str
    token: str
    times: list[float] = field(default_factory=list)
    errors: int = 0

    def __post_init__(self) -> None:
        self.connection = HTTPConnection("127.0.0.1", self.port, timeout=60)

    def send(self, method: str, path: str, body: object) -> str:
        """Send a body; return the id of the resource in the answer, if there is one."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/scim+json"}
        began = time.perf_counter()
        self.connection.request(method, f"{self.path}{path}", json.dumps(body), headers)
        response = self.connection.getresponse()
        answer = response.read()
        self.times.append(time.perf_counter() - began)
        self.errors += response.status >= 300
        return str(json.loads(answer).get("id", "")) if answer else ""


def user(number: int) -> dict[str, object]:
    address = f"person{number}@acme.example"
    name = {"givenName": f"Given{number}", "familyName": f"Family{number}"}
    emails = [{"value": address, "type": "work", "primary": True}]
    return {"userName": address, "externalId": f"ext-{number}", "active": True, "name": name, "emails": emails}


def group(name: str, ids: Sequence[str]) -> dict[str, object]:
    return {"displayName": name, "members": [{"value": one} for one in ids]}


def operation(op: str, path: str, value: object) -> dict[str, object]:
    return {"Operations": [{"op": op, "path": path, "value": value}]}


@dataclass(frozen=True)
class Sync:
    """A served directory, and what its clients measure of it."""

    served: Served
    path: str
    token: str

    def client(self) -> IdpClient:
        return IdpClient(self.served.site.port, self.path, self.token)

    def run(self, title: str, requests: Sequence[tuple[str, str, object]]) -> tuple[list[str], int]:
        """Send these by eight clients; print what they took. Returns the ids of the answers, and how many failed."""
        waiting: SimpleQueue[tuple[int, tuple[str, str, object]]] = SimpleQueue()
        for numbered in enumerate(requests):
            waiting.put(numbered)
        ids, clients = [""] * len(requests), [self.client() for _ in range(CLIENTS)]
        before, began = self.served.processor_seconds(), time.perf_counter()
        threads = [Thread(target=work, args=(client, waiting, ids)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took, times = time.perf_counter() - began, sorted(one for client in clients for one in client.times)
        cut, errors = quantiles(times, n=100), sum(client.errors for client in clients)
        spent = (self.served.processor_seconds() - before) / len(requests) * 1000
        sys.stdout.write(
            f"{title:<22} {len(requests):6} in {took:6.1f} s  {len(requests) / took:6.1f}/s  p50 {cut[49] * 1000:6.1f} ms  "
            f"p99 {cut[98] * 1000:6.1f} ms  processor {spent:5.2f} ms each  {errors} errors\n"
        )
        return ids, errors

    def megabytes(self) -> list[int]:
        """Return what each process of the server has in memory now."""
        pids = [self.served.process.pid, *self.served._children()]  # noqa: SLF001 - a neighbor
        sizes = [Path(f"/proc/{pid}/status").read_text().partition("VmRSS:")[2].split()[0] for pid in pids]
        return [int(size) // 1024 for size in sizes]


def work(client: IdpClient, waiting: "SimpleQueue[tuple[int, tuple[str, str, object]]]", ids: list[str]) -> None:
    """Send what waits until nothing is left."""
    while True:
        try:
            place, request = waiting.get_nowait()
        except Empty:
            return
        ids[place] = client.send(*request)


def add_one_by_one(sync: Sync, group_id: str, ids: Sequence[str]) -> float:
    """Return the median time of adding one member, in milliseconds."""
    client = sync.client()
    for one in ids:
        client.send("PATCH", f"/Groups/{group_id}", operation("add", "members", [{"value": one}]))
    return median(client.times) * 1000


def compare_groups(sync: Sync, ids: Sequence[str], large: int) -> float:
    """Return how many times as long a group of LARGE takes for one member more than a group of 100."""
    small_id, large_id = (sync.client().send("POST", "/Groups", group(name, [])) for name in ("Small", "Large"))
    with psycopg.connect(sync.served.site.database, autocommit=True) as connection:
        connection.execute(MEMBERS, [SMALL, small_id])
        connection.execute(COPIES, [large, large_id])
        connection.execute("ANALYZE")
    added = ids[SMALL : SMALL + ADDED]
    add_one_by_one(sync, small_id, ids[-1:])
    few, many = add_one_by_one(sync, small_id, added), add_one_by_one(sync, large_id, added)
    sys.stdout.write(f"one member more: {few:.1f} ms of {SMALL}, {many:.1f} ms of {large}, x {many / few:.2f}\n")
    return many / few


def measure(sync: Sync, users: int, groups: int, large: int) -> int:
    sync.run("warm", [("POST", "/Users", user(-number - 1)) for number in range(64)])
    ids, errors = sync.run("create users", [("POST", "/Users", user(number)) for number in range(users)])
    made = [group(f"Group {number}", ids[number * IN_GROUP % users :][:IN_GROUP]) for number in range(groups)]
    _, more = sync.run("create groups of 50", [("POST", "/Groups", one) for one in made])
    changed = ids[: max(users // 5, 1)]
    changes: list[tuple[str, Callable[[int], dict[str, object]]]] = [
        ("change an attribute", lambda number: operation("replace", "title", f"Title {number}")),
        ("change a name", lambda number: operation("replace", "name.givenName", f"New {number}")),
        ("deactivate", lambda _: operation("replace", "active", "false")),
        ("reactivate", lambda _: operation("replace", "active", "true")),
    ]
    for title, change in changes:
        more += sync.run(title, [("PATCH", f"/Users/{one}", change(place)) for place, one in enumerate(changed)])[1]
    ratio, megabytes = compare_groups(sync, ids, large), sync.megabytes()
    sys.stdout.write(f"memory of the processes, MB: {megabytes}\n")
    return int(errors + more > 0 or max(megabytes) > MOST_MB or ratio > MOST_RATIO)


def filled(site: Site) -> Iterator[str]:
    """Yield the Base URL and the token of the directory of a new organization."""
    command = [sys.executable, "-c", FILL]
    options = {"cwd": ROOT, "env": site.environment(), "capture_output": True, "text": True}
    done = subprocess.run(command, timeout=180, check=True, **options)  # type: ignore[call-overload]  # noqa: S603 - our own
    made = json.loads(done.stdout.splitlines()[-1])
    yield from (made["base_url"], made["token"])


def main(arguments: list[str]) -> int:
    users, groups, large = [*map(int, arguments), *(10_000, 200, 50_000)[len(arguments) :]]
    with tempfile.TemporaryDirectory() as folder, database("scim_sync") as url:
        site = Site(ROOT, Path(folder), url)
        base_url, token = filled(site)
        with site.serving() as served:
            return measure(Sync(served, urlsplit(base_url).path, token), users, groups, large)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
