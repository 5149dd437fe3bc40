"""`make test`: every test that this machine can run, then what it could not run and why.

`REQUIRE=postgres,redis,browser` turns what is missing into a failure. Exits 1 on any failure, 2 on a wrong REQUIRE.
"""

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tools import covered, machine
from tools.parts import Part, Result, check, run, say, summary

NEEDS = {
    "postgres": machine.postgres_problem,
    "redis": machine.redis_problem,
    "browser": machine.browser_problem,
}
FOLDER = machine.ROOT / "var" / "coverage"


@dataclass(frozen=True, slots=True)
class Kind:
    """Tests of one kind: which they are, what they need, how long they may take."""

    name: str
    marked: str
    budget: int
    needs: str = ""
    database: str = ""
    options: tuple[str, ...] = ()
    # how they are spread over the processes
    spread: str = "worksteal"
    # which lines and branches they reach
    measured: bool = True
    # where they lie: to read all others too would take longer than some of these
    folders: tuple[str, ...] = ("tests",)


KINDS = (
    Kind("SQLite", "not postgres and not redis and not worker and not browser", 270),
    Kind(
        "PostgreSQL",
        "not redis and not worker and not browser",
        240,
        needs="postgres",
        database=machine.POSTGRES_URL,
        # the first part has run the rest, and measures what the tests reach
        options=("--database-only",),
        measured=False,
    ),
    Kind(
        "worker",
        "(worker or redis) and not browser",
        420,
        # the tests that need Redis say so themselves where there is none, and fail where it is required
        spread="loadgroup",
        folders=("tests/faults", "tests/portal", "tests/sandbox"),
    ),
    Kind("browser", "browser", 240, needs="browser", folders=("tests/e2e", "tests/portal", "tests/sandbox")),
)


def main() -> int:
    required = [name.strip() for name in os.environ.get("REQUIRE", "").split(",") if name.strip()]
    unknown = sorted(set(required) - set(NEEDS))
    if unknown:
        say(f"REQUIRE names {', '.join(unknown)}; it may name {', '.join(NEEDS)}.")
        return 2
    missing = {name: problem for name, look in NEEDS.items() if (problem := look())}
    for name, problem in missing.items():
        say(f"could not run: {name}: {problem}")
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    results = [run(part_of(kind)) for kind in KINDS if kind.needs not in missing]
    results.append(judge_coverage(complete=not missing))
    return conclude(results, missing, required)


def part_of(kind: Kind) -> Part:
    """Return the pytest run of these tests, in an environment of its own; it must run at least one."""
    environment = machine.clean_environment(os.environ)
    # or every process would compile everything anew
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment |= {"DATABASE_URL": kind.database} if kind.database else {}
    report = FOLDER / f"{kind.name.lower()}.json"
    command = [sys.executable, *(covered.measured(report) if kind.measured else ())]
    command += ["-m", "pytest", "-q", "-m", kind.marked, "--durations=5", *kind.options, *kind.folders]
    # more processes than four would spend their time on making databases
    command += ["-n", str(min(os.cpu_count() or 1, 4)), "--dist", kind.spread]
    return Part(kind.name, command, kind.budget, environment)


def judge_coverage(*, complete: bool) -> Result:
    """Hold the code against its bars, which only a run with every part can reach."""
    environment = machine.clean_environment(os.environ)

    def problems() -> list[str]:
        found = covered.problems(FOLDER, environment)
        if complete:
            return found
        say("not judged, since some parts could not run: " + ("; ".join(found) or "nothing is amiss"))
        return []

    return check("coverage", 30, problems)


def conclude(results: Sequence[Result], missing: dict[str, str], required: Sequence[str]) -> int:
    """Print the table and what could not run. Returns the exit status."""
    say(f"\n{summary(results)}")
    for line in absences(missing, required):
        say(line)
    failed = [result.name for result in results if not result.passed] + [name for name in required if name in missing]
    say(f"FAILED: {', '.join(failed)}" if failed else "All that this machine can run has passed.")
    return 1 if failed else 0


def absences(missing: dict[str, str], required: Sequence[str]) -> Iterator[str]:
    for name, problem in missing.items():
        yield f"could not run: {name}: {problem}{' (required by REQUIRE)' if name in required else ''}"


if __name__ == "__main__":
    sys.exit(main())
