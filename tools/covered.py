"""How much of the code the tests reach, from the data that the parts left in one folder."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.parts import say

OVERALL_PERCENT = 95
# the status with which the merge says so
TOO_LITTLE = 2
WHOLE_FOLDERS = ("scim/protocol/", "sso/saml/")
# a topic's services are one module, or a folder with a module for each act
SERVICES = ("/services.py", "/services/")


def measured(report: Path) -> tuple[str, ...]:
    """Return what goes before a module's name to leave in `report` which lines and branches it reaches."""
    return ("-m", "slipcover", "--json", "--out", str(report))


def problems(folder: Path, environment: Mapping[str, str]) -> list[str]:
    """Return a line for each thing that is reached too little; the report itself is printed."""
    parts = sorted(str(path) for path in folder.iterdir())
    report = folder.parent / "coverage.json"
    # an earlier run's would be read where none is written
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "slipcover", "--merge", *parts, "--out", str(report), "--json"]
    done = subprocess.run(  # noqa: S603 - our own command
        [*command, "--fail-under", str(OVERALL_PERCENT)],
        env=dict(environment),
        check=False,
        capture_output=True,
        text=True,
    )
    say((done.stdout + done.stderr).rstrip())
    if done.returncode not in {0, TOO_LITTLE} or not report.exists():
        return ["what the parts left couldn't be put together"]
    reached = json.loads(report.read_text(encoding="utf-8"))
    if not reached["meta"]["branch_coverage"] or not any(map(must_be_whole, reached["files"])):
        return ["what the parts left has no branches, or nothing of what must be reached whole"]
    few = f"less than {OVERALL_PERCENT}% of lines and branches are reached overall"
    return [few] * (done.returncode == TOO_LITTLE) + unreached(reached["files"])


def unreached(files: Mapping[str, Mapping[str, Sequence[object]]]) -> list[str]:
    """Return a line for each module that must be reached whole and isn't."""
    return [
        f"{name} must be reached whole; lines {file['missing_lines']}, branches {file.get('missing_branches', [])} are not"
        for name, file in sorted(files.items())
        if must_be_whole(name) and (file["missing_lines"] or file.get("missing_branches"))
    ]


def must_be_whole(name: str) -> bool:
    return name.startswith(WHOLE_FOLDERS) or any(part in name for part in SERVICES)
