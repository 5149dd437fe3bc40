"""What must hold before a push: `nox` runs all of it, `nox --list` names the parts, `nox -s sqlite -- tests/scim` runs some.

Everything runs in the environment that `make .venv` has made: nothing is installed here.
"""

import base64
import json
import os
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import nox

ROOT = Path(__file__).parent
PYTHON = sys.executable
SCRIPTS = Path(PYTHON).parent
# what the tests leave: which lines they reach, and what became of each
REACHED, REPORTS = ROOT / "var" / "reached", ROOT / "var" / "reports"
POSTGRES_URL = os.environ.get("TEST_POSTGRES_URL") or "postgres://postgres@127.0.0.1:5432/postgres"
# nothing that would configure the portal reaches the tests
PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR", "REQUIRE", "E2E_CHROMIUM", "TEST_POSTGRES_URL", "TEST_REDIS_URL")
# more processes than four would spend their time on making databases
PROCESSES = str(min(os.cpu_count() or 1, 4))
OVERALL_PERCENT = 95
# the status with which slipcover says that less is reached
TOO_LITTLE = 2
WHOLE = ("scim/protocol/", "sso/saml/")
# a topic's services are one module, or a folder with a module for each act
SERVICES = ("/services.py", "/services/")
# made-up values: settings with everything set must have nothing to complain about
PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "portal.settings.production",
    "DATABASE_URL": "postgres://gatehouse@127.0.0.1:5432/gatehouse",
    "PUBLIC_BASE_URL": "https://gatehouse.example",
    "SECRET_KEY": base64.b64encode(bytes(range(60))).decode(),
    "FIELD_KEYS": base64.urlsafe_b64encode(bytes(range(32))).decode(),
    "EMAIL_URL": "smtp://127.0.0.1:25",
}
nox.options.default_venv_backend = "none"


def run(session: nox.Session, *command: str, **variables: str) -> None:
    """Run a Python module, or a script of the environment, without the caller's configuration."""
    passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    script, *rest = command
    whole = (str(SCRIPTS / script), *rest) if (SCRIPTS / script).exists() else (PYTHON, *command)
    session.run(*whole, env=passed_on | {"PYTHONUNBUFFERED": "1"} | variables, include_outer_env=False, external=True)


def missing(session: nox.Session) -> dict[str, str]:
    """Return why the machine can't run some tests, by the name that REQUIRE has for what is missing."""
    said = session.run(PYTHON, "-m", "tests.machine", silent=True, log=False, external=True, success_codes=[0, 1])
    return dict(line.split(": ", 1) for line in str(said).splitlines())


def run_tests(session: nox.Session, marked: str, *options: str, **variables: str) -> None:
    """Run the tests with these markers, or those of the command line; leave what they reach and what became of them."""
    name = session.name
    REACHED.mkdir(parents=True, exist_ok=True)
    measured = ("-m", "slipcover", "--json", "--out", str(REACHED / f"{name}.json"))
    pytest = ("-m", "pytest", "-q", "-m", marked, "-n", PROCESSES, "--dist", "worksteal", "--durations=5")
    report = f"--junit-xml={REPORTS / name}.xml"
    run(session, *measured, *pytest, report, *options, *(session.posargs or ["tests"]), **variables)


@nox.session(tags=["tests"])
def fresh(session: nox.Session) -> None:
    """Remove what an earlier run has left, and say what this machine can't run."""
    for folder in (REACHED, REPORTS):
        shutil.rmtree(folder, ignore_errors=True)
    run(session, "-m", "tests.machine")


@nox.session(tags=["tests"])
def sqlite(session: nox.Session) -> None:
    """Run the tests that need nothing else, on SQLite."""
    run_tests(session, "not postgres and not redis and not worker and not browser")


@nox.session(tags=["tests"])
def postgresql(session: nox.Session) -> None:
    """Run those of them that reach a database, and those that need PostgreSQL, on PostgreSQL."""
    if problem := missing(session).get("postgres"):
        session.skip(problem)
    marked = "not redis and not worker and not browser"
    # what only PostgreSQL can show, races above all, is reached here
    run_tests(session, marked, "--database-only", DATABASE_URL=POSTGRES_URL)


@nox.session(tags=["tests"])
def worker(session: nox.Session) -> None:
    """Run the tests that start a worker or a web server, and take from them what they depend on."""
    run_tests(session, "(worker or redis) and not browser")


@nox.session(tags=["tests"])
def browser(session: nox.Session) -> None:
    """Run the tests that drive a browser."""
    if problem := missing(session).get("browser"):
        session.skip(problem)
    run_tests(session, "browser")


@nox.session(tags=["tests"])
def coverage(session: nox.Session) -> None:
    """Hold against its bars what all tests together reach, which only a run with every part can."""
    report = ROOT / "var" / "reached.json"
    report.unlink(missing_ok=True)
    parts = sorted(map(str, REACHED.glob("*.json")))
    merge = ("-m", "slipcover", "--merge", *parts, "--json", "--out", str(report), "--fail-under", str(OVERALL_PERCENT))
    session.run(PYTHON, *merge, success_codes=[0, TOO_LITTLE], external=True)
    reached = json.loads(report.read_text(encoding="utf-8"))
    problems = unreached(reached)
    for problem in problems:
        session.warn(problem)
    if problems and missing(session):
        session.skip("some tests could not run")
    if problems:
        session.error("too little is reached")


def some(numbers: list[Any]) -> str:
    """Return the first of them: a run of a part misses most."""
    return f"{str(numbers[:9])[:-1]}, … {len(numbers)}]" if len(numbers) > 9 else str(numbers)


def unreached(reached: Any) -> list[str]:
    """Return a line for each bar that is missed: all that must be reached whole, and enough of the rest."""
    files = {
        name: file
        for name, file in reached["files"].items()
        if name.startswith(WHOLE) or any(map(name.count, SERVICES))
    }
    problems = [
        f"{name} must be reached whole: no test reaches {some(file['missing_lines'])}, takes {some(file['missing_branches'])}"
        for name, file in sorted(files.items())
        if file["missing_lines"] or file["missing_branches"]
    ]
    if not files:
        problems.append("nothing of what must be reached whole was measured")
    if reached["summary"]["percent_covered"] < OVERALL_PERCENT:
        problems.append(f"less than {OVERALL_PERCENT}% of lines and branches are reached overall")
    return problems


@nox.session(tags=["tests"])
def outcome(session: nox.Session) -> None:
    """Print what became of the tests, and what could not run and why."""
    lines, skipped = [], Counter[str]()
    for path in sorted(REPORTS.glob("*.xml"), key=lambda path: path.stat().st_mtime):
        suite = ElementTree.parse(path).getroot()[0]  # noqa: S314 - pytest has written it
        counts = {kind: int(suite.get(kind, 0)) for kind in ("failures", "errors", "skipped")}
        passed = int(suite.get("tests", 0)) - sum(counts.values())
        told = "".join(f", {number} {kind}" for kind, number in counts.items() if number)
        lines.append(f"{path.stem}: {passed} passed{told} in {float(suite.get('time', 0)):.0f} s")
        skipped.update(each.get("message", "") for each in suite.iter("skipped"))
    lines += [f"could not run: {number} tests: {reason}" for reason, number in skipped.items()]
    lines += [f"could not run: {name}: {problem}" for name, problem in missing(session).items()]
    for line in lines:
        session.log(line)


@nox.session(tags=["gates"])
def lint(session: nox.Session) -> None:
    run(session, "-m", "ruff", "check", ".")


@nox.session(tags=["gates"])
def form(session: nox.Session) -> None:
    """Check that Python and templates are in their one form; `make format` brings them into it."""
    run(session, "-m", "ruff", "format", "--check", ".")
    run(session, "djade", "--target-version", "5.2", "--check", *sorted(map(str, ROOT.glob("templates/**/*.html"))))


@nox.session(tags=["gates"])
def types(session: nox.Session) -> None:
    run(session, "-m", "mypy")


@nox.session(tags=["gates"])
def imports(session: nox.Session) -> None:
    run(session, "lint-imports", "--no-cache")


@nox.session(tags=["gates"])
def migrations(session: nox.Session) -> None:
    """Check that no migration is missing and each may run while the previous release serves.

    PostgreSQL's statements are looked at where there is one: SQLite's hide which locks are taken.
    """
    variables = {"DJANGO_SETTINGS_MODULE": "portal.settings.test"}
    run(session, "manage.py", "makemigrations", "--check", "--dry-run", **variables)
    if "postgres" not in missing(session):
        variables["DATABASE_URL"] = POSTGRES_URL
    apps = ("--include-apps", "orgs", "sso", "scim")
    run(session, "manage.py", "lintmigrations", "--no-cache", "--quiet", "ignore", "ok", *apps, **variables)


@nox.session(tags=["gates"])
def deployment(session: nox.Session) -> None:
    """Check that settings with everything set have nothing to complain about."""
    run(session, "manage.py", "check", "--deploy", **PRODUCTION)


@nox.session(tags=["gates"])
def styles(session: nox.Session) -> None:
    """Build the style sheet and the icons, which must give what is committed (needs Node 20)."""
    session.run("npm", "ci", "--no-audit", "--no-fund", external=True)
    session.run("npm", "run", "css", external=True)
    session.run("git", "diff", "--exit-code", "--stat", "--", "static", external=True)
