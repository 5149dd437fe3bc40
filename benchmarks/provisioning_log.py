"""`python -m benchmarks.provisioning_log [ROWS]`: the provisioning log with many rows (default 1,000,000) on PostgreSQL.

Fills a database of its own with thirty days of an identity provider's calls about 100,000 people, of which a fifth are
changes. Five days are inserted as they would come, and say what a row needs; the others are copied. Measures what a page of
the log asks of the database, what a row needs on disk, and how retention drops days.
Prints medians; exits 1 when one of HELD takes more than 100 ms, or a row more than 600 bytes. Bounded: it ends by itself, and its
database is dropped. 10,000,000 rows need about 6 GB of disk.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid5

import psycopg

from tests.machine import POSTGRES_URL

DATABASE = "gatehouse_log_benchmark"
DAYS, INSERTED_DAYS, PEOPLE, SAMPLES, TRIES = 30, 5, 100_000, 1_000, 7
MOST_MS, MOST_BYTES = 100.0, 600.0
WHO, WHERE = "{person}", "{resource}"
HELD = ("first page", "a person by the whole name", "nothing found, by name")
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
FILL = """
INSERT INTO scim_requestlog ({columns})
SELECT {values} FROM generate_series({first}::bigint, {last}::bigint) AS i
JOIN people ON people.number = (hashint8(i) & 2147483647) %% {people}
JOIN samples ON samples.number = (hashint8(i + 7) & 2147483647) %% {samples}
"""


@contextmanager
def database() -> Iterator[str]:
    """Make an empty database, and drop it in the end."""
    url = urlunsplit(urlsplit(POSTGRES_URL)._replace(path=f"/{DATABASE}"))
    with psycopg.connect(POSTGRES_URL, autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {DATABASE}")
        try:
            yield url
        finally:
            server.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")


def start_django(url: str) -> None:
    os.environ |= {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "portal.settings.dev", "LOG_LEVEL": "ERROR"}
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("create_org", "Acme", slug="acme", owner="o@acme.example", stdout=open(os.devnull, "w"))  # noqa: SIM115, PTH123
    call_command("create_scim_token", "acme", label="Benchmark", stdout=open(os.devnull, "w"))  # noqa: SIM115, PTH123


def person(number: int) -> str:
    return f"person{number}.lastname@acme.example"


def sample_calls(number: int) -> tuple[Any, Any]:
    """Return one call and its answer; out of a hundred 80 are reads that succeed, 3 fail, and the rest are changes."""
    from scim.requests.types import LoggedRequest, LoggedResponse

    kind, name = number % 100, person(number * 97)
    shared = {
        "ip": f"203.0.113.{number % 250}",
        "user_agent": "Okta SCIM Client 1.0.0",
        "content_type": "application/scim+json",
    }
    user = {
        "schemas": [USER],
        "userName": name,
        "externalId": f"00u{number:017d}",
        "name": {"givenName": f"Given{number}", "familyName": f"Family{number * 31}"},
        "emails": [{"value": name, "type": "work", "primary": True}],
        "active": number % 7 > 0,
    }
    stored = {
        **user,
        "id": str(uuid5(_space(), name)),
        "meta": {"resourceType": "User", "version": f'W/"{number % 9}"'},
    }
    patch = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "title", "value": name[::-1]}],
    }
    duration = number % 40
    if kind < 55:
        query = f'filter=userName+eq+"{WHO}"'
        return LoggedRequest("GET", "/Users", query, **shared), LoggedResponse(
            200, size=600, subject=WHO, duration_ms=duration, total_results=1, returned=1
        )
    if kind < 75:
        return LoggedRequest("GET", f"/Users/{WHERE}", **shared), LoggedResponse(
            200, size=640, subject=WHO, duration_ms=duration
        )
    if kind < 80:
        return LoggedRequest("GET", "/Users", f"startIndex={number}01&count=100", **shared), LoggedResponse(
            200, size=61_000, duration_ms=duration, total_results=PEOPLE, returned=100
        )
    if kind < 83:
        body = {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": "404",
            "detail": "There is no such user.",
        }
        return LoggedRequest("PATCH", f"/Users/{WHERE}", body=json.dumps(patch).encode(), **shared), LoggedResponse(
            404, json.dumps(body).encode(), "", "There is no such user.", "", WHO, duration
        )
    method, path, sent = ("POST", "/Users", user) if kind < 88 else ("PATCH", f"/Users/{WHERE}", patch)
    return LoggedRequest(method, path, body=json.dumps(sent).encode(), **shared), LoggedResponse(
        201 if method == "POST" else 200, json.dumps(stored).encode(), subject=WHO, duration_ms=duration
    )


def _space() -> Any:
    from uuid import NAMESPACE_DNS

    return NAMESPACE_DNS


def fill(rows: int) -> Any:
    """Store the calls, day by day as they would come. Returns the organization."""
    from django.db import connection

    from orgs.base.partitions import make_days
    from scim.directories.models import ScimToken

    token = ScimToken.objects.select_related("org").get()
    make_days("scim_requestlog", behind=DAYS, ahead=INSERTED_DAYS - DAYS - 1)
    with connection.cursor() as cursor:
        _make_people(cursor, token.org_id)
        columns = _make_samples(cursor, token)
        first = datetime.combine(datetime.now(UTC).date(), datetime.min.time(), UTC) - timedelta(days=DAYS)
        starts = [first + timedelta(days=number) for number in range(DAYS)]
        for day, start in enumerate(starts[:INSERTED_DAYS]):
            _fill_day(cursor, columns, start, range(rows * day // DAYS, rows * (day + 1) // DAYS))
        for day, start in enumerate(starts[INSERTED_DAYS:]):
            _copy_day(cursor, columns, start, starts[day % INSERTED_DAYS])
    connection.connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE scim_requestlog")
        cursor.execute("VACUUM ANALYZE scim_requestsubject")
    return token.org


def _make_people(cursor: Any, org_id: int) -> None:
    from scim.requests.models import subject_hash

    cursor.execute("CREATE TABLE people (number int PRIMARY KEY, key text, hash bigint, resource uuid)")
    with cursor.copy("COPY people FROM STDIN") as copy:
        for number in range(PEOPLE):
            name = person(number)
            copy.write_row((number, name, subject_hash(name), uuid5(_space(), name)))
    cursor.execute(
        "INSERT INTO scim_requestsubject (org_id, hash, key, seen_at) SELECT %s, hash, key, now() FROM people", [org_id]
    )


def _make_samples(cursor: Any, token: Any) -> list[str]:
    """Store calls as the log's own code makes rows of them, with places for person and resource. Returns their columns."""
    from django.db import connection

    from orgs.base.writes import Insert
    from scim.requests.models import RequestLog
    from scim.requests.services import make_row

    cursor.execute("CREATE TABLE samples (LIKE scim_requestlog, number serial)")
    insert = Insert(RequestLog)
    for number in range(SAMPLES):
        call, answer = sample_calls(number)
        owner = {"org_id": token.org_id, "directory_id": token.directory_id, "token_id": token.pk}
        sql, values = insert.statement(connection, [make_row(call=call, answer=answer, **owner)])
        cursor.execute(sql.replace('"scim_requestlog"', "samples"), values)
    cursor.execute("UPDATE samples SET number = number - 1")
    return [field.column for field in RequestLog._meta.local_concrete_fields]  # noqa: SLF001


def _fill_day(cursor: Any, columns: list[str], start: datetime, numbers: range) -> None:
    from orgs.base.timed_ids import first_id

    step = timedelta(days=1) / len(numbers)
    values = {name: f"samples.{name}" for name in columns} | {
        "id": f"{first_id(start)} + (i - {numbers.start}) * {first_id(start + step) - first_id(start)} + (hashint8(i) & 4095)",
        "at": f"timestamptz '{start.isoformat()}' + (i - {numbers.start}) * interval '{step.total_seconds()} seconds'",
        "public_id": "gen_random_uuid()",
        "subject": f"replace(samples.subject, '{WHO}', people.key)",
        "subject_hash": "CASE WHEN samples.subject_hash IS NOT NULL THEN people.hash END",
        "resource_id": f"CASE WHEN samples.subject = '{WHO}' THEN people.resource END",
        "path": f"replace(samples.path, '{WHERE}', people.resource::text)",
        "query": f"replace(samples.query, '{WHO}', people.key)",
    }
    text = FILL.format(
        columns=", ".join(columns),
        values=", ".join(values[name] for name in columns),
        first=numbers.start,
        last=numbers.stop - 1,
        people=PEOPLE,
        samples=SAMPLES,
    )
    cursor.execute(text.replace("%%", "%"))


def _copy_day(cursor: Any, columns: list[str], start: datetime, source: datetime) -> None:
    """Let a day be like one of those that were inserted, and build its indexes at once: that takes a fifth of the time."""
    from orgs.base.timed_ids import first_id

    table, shift = f"scim_requestlog_{start:%Y%m%d}", start - source
    values = {name: name for name in columns} | {
        "id": f"id + {first_id(start) - first_id(source)}",
        "at": f"at + interval '{shift.days} days'",
        "public_id": "gen_random_uuid()",
    }
    bounds = first_id(start), first_id(start + timedelta(days=1))
    names = ", ".join(columns)
    chosen = ", ".join(values[name] for name in columns)
    cursor.execute(f"CREATE TABLE {table} (LIKE scim_requestlog INCLUDING CONSTRAINTS)")
    cursor.execute(f"INSERT INTO {table} ({names}) SELECT {chosen} FROM scim_requestlog_{source:%Y%m%d}")  # noqa: S608 - ours
    cursor.execute(
        f"ALTER TABLE scim_requestlog ATTACH PARTITION {table} FOR VALUES FROM ({bounds[0]}) TO ({bounds[1]})"
    )


def searches(org: Any) -> dict[str, Callable[[], Any]]:
    """Return what is measured: each is what a page of the log asks, its count included."""
    from orgs.logs.paging import read_page
    from scim.requests import queries
    from scim.requests.types import RequestFilter

    def page(**shown: Any) -> Callable[[], Any]:
        return lambda: read_page(
            queries.list_requests(org, RequestFilter(**shown)), org_id=org.pk, asked={}, page_size=25
        )

    some = queries.list_requests(org, RequestFilter())[1000]
    return {
        "first page": page(),
        "a person by the whole name": page(text=person(4711)),
        "a person by a part of the name": page(text="son4711.last"),
        "a thousand people by a part of the name": page(text="person47"),
        "everybody by a part of the name": page(text="acme.example"),
        "nothing found, by name": page(text="nobody@nowhere.example"),
        "nothing found, by id": page(text=str(uuid5(_space(), "nowhere"))),
        "a request by its id": page(text=some.request_id),
        "failures": page(status="failed"),
        "a status that no call has": page(status="409"),
        "changes by method": page(method="POST"),
        "a person's failures": page(text=person(4711), status="failed"),
        "one call": lambda: queries.find_request(org, some.public_id),
        "newest call of the directory": lambda: queries.latest_request(some.directory_id),
    }


def measure(act: Callable[[], Any]) -> float:
    took = []
    for _ in range(TRIES):
        began = time.perf_counter()
        act()
        took.append((time.perf_counter() - began) * 1000)
    return median(took)


def bytes_per_row() -> tuple[list[float], dict[str, float]]:
    """Return the bytes of a row in each day that was inserted, indexes included, and their parts in the first."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT part.relname, pg_total_relation_size(part.oid), pg_table_size(part.oid), part.reltuples FROM pg_inherits "
            "JOIN pg_class part ON part.oid = inhrelid WHERE inhparent = 'scim_requestlog'::regclass AND part.reltuples > 1000"
        )
        days = sorted(cursor.fetchall())[:INSERTED_DAYS]
        name, _, table, rows = days[0]
        cursor.execute(
            "SELECT pg_get_indexdef(indexrelid), pg_relation_size(indexrelid) FROM pg_index WHERE indrelid = %s::regclass",
            [name],
        )
        parts = {text.partition("USING btree ")[2]: size / rows for text, size in cursor.fetchall()}
    return [total / count for _, total, _, count in days], {"table": table / rows, **parts}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="?", default=1_000_000)
    rows = parser.parse_args().rows
    with database() as url:
        start_django(url)
        began = time.perf_counter()
        org = fill(rows)
        seconds = time.perf_counter() - began
        print(f"{rows:,} rows in {seconds:.0f} s, {rows / seconds:,.0f} rows a second")  # noqa: T201
        is_slow = report_times(org)
        is_large = report_bytes()
        report_retention()
    return int(is_slow or is_large)


def report_times(org: Any) -> bool:
    found = {name: measure(act) for name, act in searches(org).items()}
    for name, took in found.items():
        print(f"{took:8.1f} ms  {name}")  # noqa: T201
    return any(found[name] > MOST_MS for name in HELD)


def report_bytes() -> bool:
    days, parts = bytes_per_row()
    print(f"{median(days):8.0f} bytes a row with its indexes, median of {len(days)} days")  # noqa: T201
    for name, size in parts.items():
        print(f"{size:8.0f}   {name}")  # noqa: T201
    return median(days) > MOST_BYTES


def report_retention() -> None:
    from scim.requests.services import delete_old

    began = time.perf_counter()
    dropped = delete_old(days=DAYS - 2)
    print(f"{(time.perf_counter() - began) * 1000:8.0f} ms  retention of {dropped:,} rows")  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
