"""The runner of the tests and gates tells the truth."""

import json
import os
import subprocess
import sys
from itertools import combinations

import pytest
from _pytest.mark.expression import Expression

from portal.env import NAMES
from tools import covered, locks, machine, suite
from tools.parts import Part, Result, run, run_together, summary

MARKERS = ["postgres", "redis", "worker", "browser"]
HASHED = "idna==3.20 \\\n    --hash=sha256:00\n    # via httpx\n"


def python_lock(folder, text):
    lock = folder / "requirements.txt"
    lock.write_text(text)
    return locks.python_problems(lock)


def npm_lock(folder, **package):
    lock = folder / "package-lock.json"
    lock.write_text(json.dumps({"packages": {"": {"name": "root"}, "node_modules/daisyui": package}}))
    return locks.npm_problems(lock)


@pytest.fixture
def reports(tmp_path):
    """The folder in which each part leaves what it has reached."""
    folder = tmp_path / "parts"
    folder.mkdir()
    return folder


def test_nothing_of_the_callers_configuration_reaches_a_part():
    given = dict.fromkeys(NAMES, "x") | {f"{name}_FILE": "x" for name in NAMES} | {"SLIPCOVER_COVERAGE_DIR": "x"}
    assert machine.clean_environment(given | {"PATH": "/bin"}) == {"PATH": "/bin"}


def test_a_part_fails_with_its_command():
    assert not run(Part("exit", [sys.executable, "-c", "raise SystemExit(3)"], 30)).passed


def test_parts_that_run_together_are_told_one_after_the_other(capsys):
    texts = {"first": "import time; time.sleep(0.5); print('a'); raise SystemExit(3)", "second": "print('b')"}
    results = run_together([Part(name, [sys.executable, "-c", text], 30) for name, text in texts.items()])
    assert [(result.name, result.passed) for result in results] == [("first", False), ("second", True)]
    told = [line for line in capsys.readouterr().out.splitlines() if line]
    assert told == ["=== first (budget 30 s)", "a", "=== second (budget 30 s)", "b"]


def test_a_part_that_cannot_start_fails_and_says_so(capsys):
    assert not run(Part("nothing", ["/nowhere/at-all"], 30)).passed
    assert "/nowhere/at-all didn't start" in capsys.readouterr().out


def test_the_closing_line_of_pytest_is_kept():
    text = "print('== 1 failed, 2 passed in 0.10s =='); print('after')"
    assert run(Part("closing", [sys.executable, "-c", text], 30)).closing == "1 failed, 2 passed in 0.10s"


def test_the_table_says_which_part_failed():
    results = [Result("SQLite", 1.0, 2, passed=True), Result("browser", 1.0, 2, passed=False)]
    assert [line.split()[-1] for line in summary(results).splitlines()] == ["passed", "FAILED", "s"]


def test_what_is_required_and_missing_is_a_failure(capsys):
    assert suite.conclude([Result("SQLite", 1.0, 2, passed=True)], {"redis": "no Redis"}, ["redis"]) == 1
    assert "could not run: redis: no Redis (required by REQUIRE)" in capsys.readouterr().out


def test_what_is_missing_alone_is_none():
    assert suite.conclude([Result("SQLite", 1.0, 2, passed=True)], {"redis": "no Redis"}, []) == 0


SOME_MARKERS = [some for size in range(len(MARKERS) + 1) for some in combinations(MARKERS, size)]


@pytest.mark.parametrize("marked", SOME_MARKERS, ids=lambda marked: "+".join(marked) or "nothing")
def test_whatever_a_test_is_marked_with_some_part_runs_it(marked):
    assert any(Expression.compile(kind.marked).evaluate(lambda name, **_: name in marked) for kind in suite.KINDS)


@pytest.mark.parametrize(("marker", "part"), [("worker", "worker"), ("redis", "worker"), ("browser", "browser")])
def test_a_part_looks_wherever_its_tests_lie(marker, part):
    kind = next(kind for kind in suite.KINDS if kind.name == part)
    bearers = [
        path.relative_to(machine.ROOT).as_posix()
        for path in (machine.ROOT / "tests").rglob("*.py")
        if f"mark.{marker}" in path.read_text(encoding="utf-8")
    ]
    assert bearers
    assert [path for path in bearers if not path.startswith(kind.folders)] == []


def test_what_reaches_a_database_by_a_way_of_its_own_runs_on_postgresql_too():
    asked = [sys.executable, "-m", "pytest", "--co", "-q", "--database-only", "tests/scim/test_jumpcloud_replay.py"]
    command, environment = [*asked, "tests/scim/protocol/test_patch.py"], machine.clean_environment(os.environ)
    done = subprocess.run(command, cwd=machine.ROOT, env=environment, capture_output=True, text=True)
    assert "test_connection_test[groups on: " in done.stdout
    assert "tests/scim/protocol" not in done.stdout


def test_require_takes_only_names_that_it_knows(monkeypatch):
    monkeypatch.setenv("REQUIRE", "postgres,mysql")
    assert suite.main() == 2


def test_services_and_the_protocol_must_be_reached_whole():
    missing = {"missing_lines": [7], "missing_branches": []}
    names = (
        "orgs/people/services.py",
        "sso/signin/services/start.py",
        "scim/protocol/patch.py",
        "orgs/people/views.py",
    )
    files = dict.fromkeys(names, missing)
    assert [line.split()[0] for line in covered.unreached(files)] == [
        "orgs/people/services.py",
        "scim/protocol/patch.py",
        "sso/signin/services/start.py",
    ]


def test_what_no_part_reaches_is_measured_and_named(tmp_path, reports):
    for folder in ("orgs", "orgs/asleep"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "services.py").write_text("if not __name__:\n    print('never')\n")
    (tmp_path / "start.py").write_text("import orgs.services\n")
    command = [sys.executable, *covered.measured(reports / "one.json"), "-m", "start"]
    (tmp_path / "pyproject.toml").write_text('[tool.slipcover]\nbranch = true\nsource = ["orgs"]\n')
    subprocess.run(command, cwd=tmp_path, check=True, env=machine.clean_environment(os.environ))
    overall, asleep, begun = covered.problems(reports, os.environ)
    assert "less than 95%" in overall
    assert asleep.startswith("orgs/asleep/services.py must be reached whole; lines [1, 2], branches ")
    assert begun == "orgs/services.py must be reached whole; lines [2], branches [[1, 2]] are not"


def test_parts_that_left_nothing_readable_are_a_problem(tmp_path, reports):
    (tmp_path / "coverage.json").write_text("an earlier run's")
    assert covered.problems(reports, os.environ) == ["what the parts left couldn't be put together"]
    (reports / "one.json").write_text("")
    assert covered.problems(reports, os.environ) == ["what the parts left couldn't be put together"]


@pytest.mark.parametrize(("has_branches", "name"), [(True, "orgs/apps.py"), (False, "orgs/people/services.py")])
def test_parts_that_measured_too_little_are_a_problem(reports, has_branches, name):
    meta = {"software": "slipcover", "branch_coverage": has_branches}
    file = {"executed_lines": [1], "missing_lines": [], "executed_branches": [], "missing_branches": []}
    for part in ("one", "two"):
        (reports / f"{part}.json").write_text(json.dumps({"meta": meta, "files": {name: file}}))
    assert covered.problems(reports, os.environ) == [
        "what the parts left has no branches, or nothing of what must be reached whole"
    ]


def test_a_branch_that_no_test_takes_counts_as_unreached():
    assert covered.unreached({"orgs/people/services.py": {"missing_lines": [], "missing_branches": [[1, 2]]}})


def test_a_lock_of_pinned_packages_with_hashes_is_fine(tmp_path):
    assert python_lock(tmp_path, f"# made by pip-compile\n{HASHED}") == []


def test_a_lock_may_not_say_where_to_install_from(tmp_path):
    assert python_lock(tmp_path, f"--index-url https://mirror.example/simple\n{HASHED}")


def test_a_lock_may_not_leave_out_a_hash(tmp_path):
    assert python_lock(tmp_path, "idna==3.20\n")


def test_the_npm_lock_holds_digests_only(tmp_path):
    assert npm_lock(tmp_path, version="5.8.1", integrity="sha512-00") == []


def test_the_npm_lock_may_not_name_an_address(tmp_path):
    assert npm_lock(tmp_path, integrity="sha512-00", resolved="https://mirror.example/daisyui.tgz")
