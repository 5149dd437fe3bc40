"""`python -m benchmarks.scim_reads [USERS [MEMBERS [ROUNDS]]]`: SCIM reads in a directory of 100,000 users, beside one of 1,000.

Served by `portal.serve` (granian, two workers of eight threads) on a PostgreSQL database of its own, which is dropped at the
end. The rows are copies of one user that the service made. One client asks for each thing in turn, ROUNDS times, so that
other work on the machine burdens all alike; medians of the whole answer's time. Exits 1 where a bar isn't met, or a
request failed. Bounded: it ends by itself, after two to five minutes.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from urllib.parse import quote, urlsplit

import psycopg

from benchmarks.scim_sync import group, user
from benchmarks.sign_in import ROOT, Served, Site, database

FEW, IN_SMALL_GROUP, PAGE, WARM = 1_000, 20, 100, 20
FILL = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
for slug in ("few", "many"):
    call_command("create_org", slug, slug=slug, owner=f"o@{slug}.example")
    call_command("create_scim_token", slug, "--label", "reads", "--json")
"""
# an invited member and their user for each number, as the service made the first
COPIES = """
WITH first AS (
  SELECT u.* FROM scim_directoryuser u JOIN scim_directory d ON d.id = u.directory_id WHERE d.public_id = %(directory)s
    AND NOT u.is_listed),
members AS (
  INSERT INTO orgs_membership (org_id, public_id, email, email_key, given_name, family_name, display_name, name_key, role,
    state, origins, created_at)
  SELECT first.org_id, gen_random_uuid(), 'c' || n || '@copy.example', 'c' || n || '@copy.example', '', '', '', '', 'user',
    'invited', 'scim', now() FROM first, generate_series(1, %(count)s) n RETURNING id, org_id, email)
INSERT INTO scim_directoryuser (org_id, directory_id, membership_id, public_id, user_name, user_name_key, external_id,
  external_id_key, display_name_key, active, document, filter_keys, version, made_membership, is_listed, created_at, updated_at)
SELECT first.org_id, first.directory_id, members.id, gen_random_uuid(), members.email, members.email, members.email,
  members.email, '', true, first.document || jsonb_build_object('userName', members.email, 'externalId', members.email),
  first.filter_keys, 1, true, false, now(), now() FROM first, members
"""
MEMBERS = """
INSERT INTO orgs_groupmember (org_id, group_id, membership_id, created_at)
SELECT g.org_id, g.group_id, u.membership_id, now() FROM scim_directorygroup g
JOIN LATERAL (SELECT membership_id FROM scim_directoryuser u WHERE u.directory_id = g.directory_id ORDER BY id LIMIT %s) u
ON true WHERE g.public_id = %s
"""
IDS = """
SELECT u.public_id, u.user_name FROM scim_directoryuser u JOIN scim_directory d ON d.id = u.directory_id
WHERE d.public_id = %s ORDER BY u.id LIMIT 400
"""


@dataclass(frozen=True)
class Reader:
    """One connection of an identity provider to one directory. Raises RuntimeError for any answer but a good one."""

    connection: HTTPConnection
    path: str
    token: str

    @property
    def directory(self) -> str:
        return self.path.rpartition("/")[2]

    def send(self, method: str, path: str, body: object = None) -> tuple[float, bytes]:
        """Return how long the answer took, in milliseconds, and the answer."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/scim+json"}
        began = time.perf_counter()
        self.connection.request(method, f"{self.path}{path}", None if body is None else json.dumps(body), headers)
        response = self.connection.getresponse()
        answer = response.read()
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: {response.status} {answer[:200]!r}")
        return (time.perf_counter() - began) * 1000, answer

    def make(self, path: str, body: object) -> str:
        return str(json.loads(self.send("POST", path, body)[1])["id"])


@dataclass(frozen=True)
class MeasuredRead:
    """Something that is asked for again and again: its addresses in turn."""

    title: str
    reader: Reader
    paths: Sequence[str]


@dataclass(frozen=True)
class Bar:
    """What must hold: of one read in milliseconds, or as often as long as another one takes."""

    read: str
    most: float
    beside: str = ""


BARS = (
    Bar("lookup among many", 1.2, "lookup among few"),
    Bar("last page by cursor", 1.2, "first page by cursor"),
    Bar("page near the end", 2.0, "first page"),
    Bar("large group", 500.0),
    Bar("large group without members", 1.2, "small group without members"),
)


def lookup(name: str) -> str:
    text = f'userName eq "{name}"'
    return f"/Users?filter={quote(text)}"


def last_cursor(reader: Reader) -> str:
    """Return the cursor of the last page that is a full one, by reading all, since pages of one row are no measure."""
    cursor = full = ""
    while True:
        answer = json.loads(reader.send("GET", f"/Users?cursor={cursor}&count={2 * PAGE}")[1])
        full = cursor if len(answer["Resources"]) >= PAGE else full
        if "nextCursor" not in answer:
            return full
        cursor = answer["nextCursor"]


def fill(site: Site, few: Reader, many: Reader, users: int, members: int) -> tuple[str, str]:
    """Make the users and the groups. Returns the ids of the small and of the large group."""
    for reader in (few, many):
        reader.make("/Users", user(1))
    small, large = (many.make("/Groups", group(name, [])) for name in ("Small", "Large"))
    with psycopg.connect(site.database, autocommit=True) as connection:
        for reader, count in ((few, FEW), (many, users)):
            connection.execute(COPIES, {"directory": reader.directory, "count": count - 1})
            # else the checks of foreign keys go on reading whole tables, as for the first rows
            connection.execute("ANALYZE")
        connection.execute(MEMBERS, [IN_SMALL_GROUP, small])
        connection.execute(MEMBERS, [members, large])
        connection.execute("VACUUM ANALYZE")
    # the server has closed it meanwhile
    many.connection.close()
    return small, large


def reads(site: Site, few: Reader, many: Reader, users: int, groups: tuple[str, str]) -> list[MeasuredRead]:
    with psycopg.connect(site.database) as connection:
        known, others = (connection.execute(IDS, [one.directory]).fetchall() for one in (many, few))
    page, cursors = f"/Users?count={PAGE}", f"/Users?count={PAGE}&cursor="
    small, large = (f"/Groups/{one}" for one in groups)
    return [
        MeasuredRead("get", many, [f"/Users/{scim_id}" for scim_id, _ in known]),
        MeasuredRead("lookup among few", few, [lookup(name) for _, name in others]),
        MeasuredRead("lookup among many", many, [lookup(name) for _, name in known]),
        MeasuredRead("first page", many, [f"{page}&startIndex=1"]),
        MeasuredRead("page near the end", many, [f"{page}&startIndex={users * 9 // 10}"]),
        MeasuredRead("first page by cursor", many, [cursors]),
        MeasuredRead("last page by cursor", many, [cursors + last_cursor(many)]),
        MeasuredRead("small group without members", many, [f"{small}?excludedAttributes=members"]),
        MeasuredRead("large group without members", many, [f"{large}?excludedAttributes=members"]),
        MeasuredRead("large group", many, [large]),
    ]


def measure(wanted: Sequence[MeasuredRead], rounds: int) -> dict[str, float]:
    """Return the median time of each, in milliseconds."""
    times: dict[str, list[float]] = {one.title: [] for one in wanted}
    for number in range(WARM + rounds):
        for one in wanted:
            if one.title == "large group" and number % 5:
                continue
            took, _ = one.reader.send("GET", one.paths[number % len(one.paths)])
            times[one.title] += [took] * (number >= WARM)
    return {title: median(found) for title, found in times.items()}


def processor_times(served: Served, wanted: Sequence[MeasuredRead], rounds: int) -> dict[str, float]:
    """Return what each of the first reads takes of the server's processor time, in milliseconds."""
    found = {}
    for one in wanted:
        before = served.processor_seconds()
        for number in range(rounds):
            one.reader.send("GET", one.paths[number % len(one.paths)])
        found[one.title] = (served.processor_seconds() - before) / rounds * 1000
    return found


def report(times: dict[str, float], spent: dict[str, float]) -> int:
    """Print what was measured. Returns 1 where a bar isn't met, else 0."""
    for title, took in times.items():
        processor = f"  processor {spent[title]:5.2f} ms" if title in spent else ""
        sys.stdout.write(f"{title:<28} {took:8.2f} ms{processor}\n")
    missed = 0
    for bar in BARS:
        found = times[bar.read] / (times[bar.beside] if bar.beside else 1)
        what = f"{bar.read} / {bar.beside}" if bar.beside else f"{bar.read}, ms"
        missed += found > bar.most
        sys.stdout.write(f"{what:<60} {found:7.2f} of {bar.most:g}{'' if found <= bar.most else '  MISSED'}\n")
    return int(missed > 0)


def tokens(site: Site) -> Iterator[tuple[str, str]]:
    """Yield the path and the token of each directory, the small one first."""
    command = [sys.executable, "-c", FILL]
    options = {"cwd": ROOT, "env": site.environment(), "capture_output": True, "text": True}
    done = subprocess.run(command, timeout=180, check=True, **options)  # type: ignore[call-overload]  # noqa: S603 - our own
    for line in done.stdout.splitlines():
        made = json.loads(line) if line.startswith("{") else {}
        if "token" in made:
            yield urlsplit(made["base_url"]).path, made["token"]


def main(arguments: list[str]) -> int:
    users, members, rounds = [*map(int, arguments), *(100_000, 50_000, 150)[len(arguments) :]]
    with tempfile.TemporaryDirectory() as folder, database("scim_reads") as url:
        site = Site(ROOT, Path(folder), url)
        known = list(tokens(site))
        with site.serving() as served:
            connection = HTTPConnection("127.0.0.1", served.site.port, timeout=60)
            few, many = (Reader(connection, path, token) for path, token in known)
            wanted = reads(served.site, few, many, users, fill(served.site, few, many, users, members))
            times = measure(wanted, rounds)
            return report(times, processor_times(served, wanted[:4], rounds * 2))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
