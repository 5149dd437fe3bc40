"""`python -m benchmarks.sign_in [COMMIT]`: whole sign-ins of this checkout and of an earlier commit, in one run.

Each is served by `portal.serve` (granian, two workers of eight threads) on a PostgreSQL database of its own; eight browsers
deliver answers that were asked for and signed beforehand, and finish them (ACS, finish, session). The rounds take turns.
Prints sign-ins a second, p50 and p99 of one, and what the server's processes spent on one. Exits 1 when this checkout gives
less than three times the other's sign-ins a second, or spends more than a third of its processor time.
"""

import base64
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from queue import Empty, SimpleQueue
from statistics import median, quantiles
from threading import Thread
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import psycopg

from sandbox.test_idp.assertion import answer
from sandbox.test_idp.authn_request import read_redirect
from sandbox.test_idp.keys import ensure_keys
from sandbox.test_idp.metadata import build_metadata
from sandbox.test_idp.types import App, IdpPerson, Keys
from tests.faults.installation import end
from tests.machine import POSTGRES_URL
from tests.processes import free_port, wait_for

ROOT = Path(__file__).resolve().parents[1]
# the last commit before issue 12
BEFORE = "67c79af"
ROUNDS, SIGN_INS, BROWSERS, PEOPLE = 3, 160, 8, 40
FACTOR = 3.0
ENTITY, SSO_URL = "urn:benchmark:idp", "https://idp.example/sso"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TICKS = os.sysconf("SC_CLK_TCK")
FILL = """
import json, sys
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("create_org", "Acme", slug="acme", owner="o@acme.example")
call_command("add_domain", "acme", "acme.example", "--verified")
call_command("create_connection", "acme", "--name", "IdP", "--provider", "custom", "--metadata-file", sys.argv[1], "--jit",
    "--activate", "--json")
"""


@dataclass(frozen=True)
class Site:
    """One checkout, served on a database of its own."""

    checkout: Path
    folder: Path
    database: str
    port: int = 0
    app: App = field(default_factory=lambda: App("benchmark", "Benchmark", ENTITY, "", ""))

    def environment(self) -> dict[str, str]:
        given = {name: text for name, text in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}}
        return given | {
            "DJANGO_SETTINGS_MODULE": "tests.faults.server_settings",
            "GATEHOUSE_VAR_DIR": str(self.folder / "var"),
            "DATABASE_URL": self.database,
            "LOG_LEVEL": "ERROR",
        }

    def filled(self, metadata: Path) -> "Site":
        """Return the site with its organization and the connection to this IdP."""
        command = [sys.executable, "-c", FILL, str(metadata)]
        options = {"cwd": self.checkout, "env": self.environment(), "capture_output": True, "text": True}
        done = subprocess.run(command, timeout=180, check=False, **options)  # type: ignore[call-overload]  # noqa: S603 - our own
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        made = json.loads(done.stdout.splitlines()[-1])
        return replace(self, app=replace(self.app, sp_entity_id=made["sp_entity_id"], acs_url=made["acs_url"]))

    @contextmanager
    def serving(self) -> Iterator["Served"]:
        site = replace(self, port=free_port())
        command = [sys.executable, "-m", "portal.serve", "--threads", "8", "--workers", "2", "--port", str(site.port)]
        options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
        process = subprocess.Popen(command, cwd=site.checkout, env=site.environment(), **options)  # type: ignore[call-overload]  # noqa: S603 - our own
        served = Served(site, process)
        try:
            wait_for(served.answers, "the server answers", by=process)
            yield served
        finally:
            end(process)


@dataclass(frozen=True)
class Served:
    site: Site
    process: "subprocess.Popen[bytes]"

    def answers(self) -> bool:
        try:
            return LoadClient(self.site).get("/healthz").status == 200
        except OSError:
            return False

    def processor_seconds(self) -> float:
        """Return what the server's processes have used so far, user and system."""
        found = 0
        for pid in (self.process.pid, *self._children()):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            found += int(fields[11]) + int(fields[12])
        return found / TICKS

    def _children(self) -> list[int]:
        parent = self.process.pid
        return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


@dataclass
class LoadClient:
    """A browser with its own cookies; the answer of an IdP arrives without them."""

    site: Site
    cookies: dict[str, str] = field(default_factory=dict)
    connection: HTTPConnection | None = None

    def get(self, path: str) -> HTTPResponse:
        return self._ask(
            "GET", path, None, {"Cookie": "; ".join(f"{name}={text}" for name, text in self.cookies.items())}
        )

    def post(self, path: str, fields: dict[str, str]) -> HTTPResponse:
        return self._ask("POST", path, urlencode(fields), FORM)

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> HTTPResponse:
        connection = self.connection or HTTPConnection("127.0.0.1", self.site.port, timeout=30)
        self.connection = connection
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        response.read()
        for one in response.headers.get_all("Set-Cookie", []):
            name, _, text = one.partition(";")[0].partition("=")
            self.cookies[name] = text
        return response


@dataclass(frozen=True)
class Prepared:
    """A browser that has been at the IdP, and what it brings from there."""

    browser: LoadClient
    fields: dict[str, str]


def prepare(site: Site, keys: Keys, number: int) -> Prepared:
    """Begin a sign-in and let the IdP sign its answer; none of it is measured."""
    browser, path = LoadClient(site), urlsplit(site.app.acs_url).path
    sent = parse_qs(urlsplit(browser.get(path.replace("/acs", "/login")).headers["Location"]).query)
    request = read_redirect(sent["SAMLRequest"][0], is_signed=True)
    person, now = IdpPerson(f"person{number % PEOPLE}@acme.example"), datetime.now(UTC)
    document = answer(site.app, person, request, site.app.usual_choice(), keys=keys, now=now)
    fields = {"SAMLResponse": base64.b64encode(document).decode(), "RelayState": sent["RelayState"][0]}
    if browser.connection is not None:
        browser.connection.close()
    return Prepared(browser, fields)


def sign_in(one: Prepared) -> None:
    """Deliver the answer and finish it. Raises RuntimeError unless that leads to the organization."""
    browser = one.browser
    landed = browser.post(urlsplit(browser.site.app.acs_url).path, one.fields)
    location = landed.headers.get("Location", "")
    done = browser.get(location) if landed.status == 303 else landed
    if done.headers.get("Location") != "/orgs/acme/":
        raise RuntimeError(f"not signed in: {landed.status} {location}, {done.status}")


@dataclass(frozen=True)
class Figures:
    rate: float
    p50: float
    p99: float
    processor: float


def measure(served: Served, keys: Keys, count: int) -> Figures:
    """Return the figures of this many sign-ins by eight browsers at once."""
    waiting: SimpleQueue[Prepared] = SimpleQueue()
    for number in range(count):
        waiting.put(prepare(served.site, keys, number))
    times: list[float] = []

    def work() -> None:
        connection = HTTPConnection("127.0.0.1", served.site.port, timeout=30)
        while True:
            try:
                one = waiting.get_nowait()
            except Empty:
                return
            one.browser.connection = connection
            began = time.perf_counter()
            sign_in(one)
            times.append(time.perf_counter() - began)

    used, began = served.processor_seconds(), time.perf_counter()
    workers = [Thread(target=work) for _ in range(BROWSERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    took, used = time.perf_counter() - began, served.processor_seconds() - used
    if len(times) != count:
        raise RuntimeError(f"{count - len(times)} sign-ins failed")
    return Figures(count / took, 1000 * median(times), 1000 * quantiles(times, n=100)[98], 1000 * used / count)


@contextmanager
def checkout_of(commit: str, folder: Path) -> Iterator[Path]:
    """Yield a work tree of this commit, which is removed afterwards."""
    place = folder / "before"
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--quiet", "--detach", str(place), commit], check=True)  # noqa: S603
    try:
        yield place
    finally:
        subprocess.run([*git, "remove", "--force", str(place)], check=True)  # noqa: S603


@contextmanager
def database(name: str) -> Iterator[str]:
    """Yield the URL of an empty database, which is dropped afterwards."""
    name = f"benchmark_{name}_{os.getpid()}"
    with psycopg.connect(POSTGRES_URL, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            yield urlunsplit(urlsplit(POSTGRES_URL)._replace(path=f"/{name}"))
        finally:
            admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def main(arguments: list[str]) -> int:
    commit = arguments[0] if arguments else BEFORE
    with tempfile.TemporaryDirectory() as given, ExitStack() as stack:
        folder = Path(given)
        keys, metadata = ensure_keys(folder), folder / "metadata.xml"
        metadata.write_bytes(build_metadata(App("b", "B", ENTITY, "x", "https://x"), SSO_URL, keys.signing.certificate))
        checkouts = {"before": stack.enter_context(checkout_of(commit, folder)), "now": ROOT}
        served = {}
        for name, checkout in checkouts.items():
            site = Site(checkout, folder / f"of-{name}", stack.enter_context(database(name)))
            served[name] = stack.enter_context(site.filled(metadata).serving())
            # everybody has joined, and both workers are warm
            measure(served[name], keys, 2 * PEOPLE)
        rounds = [{name: measure(one, keys, SIGN_INS) for name, one in served.items()} for _ in range(ROUNDS)]
    return report(commit, rounds)


def report(commit: str, rounds: list[dict[str, Figures]]) -> int:
    found = {}
    for name, title in (("before", f"before ({commit})"), ("now", "now")):
        figures = [one[name] for one in rounds]
        middle = {key: median(getattr(each, key) for each in figures) for key in ("rate", "p50", "p99", "processor")}
        found[name] = Figures(**middle)
        sys.stdout.write(
            f"{title:<18} {found[name].rate:6.1f} sign-ins/s   p50 {found[name].p50:6.1f} ms   p99 {found[name].p99:6.1f} ms"
            f"   processor {found[name].processor:5.1f} ms each\n"
        )
    faster, cheaper = found["now"].rate / found["before"].rate, found["before"].processor / found["now"].processor
    sys.stdout.write(f"throughput x {faster:.2f}, processor time / {cheaper:.2f}\n")
    return 0 if min(faster, cheaper) >= FACTOR else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
