"""How much of the code the tests reach, from the data that the parts left in one folder."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.parts import say

OVERALL_PERCENT = 95
WHOLE_FOLDERS = ("scim/protocol/", "sso/saml/")
WHOLE_MODULES = "/services.py"


def problems(folder: Path, environment: Mapping[str, str]) -> list[str]:
    """Return a line for each thing that is reached too little; the report itself is printed."""
    env = {**environment, "COVERAGE_FILE": str(folder / "all")}
    parts = sorted(str(path) for path in folder.iterdir() if path.name != "all")
    found = []
    if _coverage(["combine", "--quiet", "--keep", *parts], env):
        return ["coverage couldn't combine what the parts left"]
    if _coverage(["report", f"--fail-under={OVERALL_PERCENT}"], env):
        found.append(f"less than {OVERALL_PERCENT}% of lines and branches are reached overall")
    report = folder.parent / "coverage.json"
    if _coverage(["json", "--quiet", "-o", str(report)], env):
        return [*found, "coverage couldn't write its figures"]
    return found + unreached(json.loads(report.read_text(encoding="utf-8"))["files"])


def unreached(files: Mapping[str, Mapping[str, Sequence[object]]]) -> list[str]:
    """Return a line for each module that must be reached whole and isn't."""
    return [
        f"{name} must be reached whole; lines {file['missing_lines']}, branches {file.get('missing_branches', [])} are not"
        for name, file in sorted(files.items())
        if must_be_whole(name) and (file["missing_lines"] or file.get("missing_branches"))
    ]


def must_be_whole(name: str) -> bool:
    return name.startswith(WHOLE_FOLDERS) or name.endswith(WHOLE_MODULES)


def _coverage(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    command = [sys.executable, "-m", "coverage", *arguments]
    done = subprocess.run(  # noqa: S603 - our own command
        command, env=dict(environment), check=False, capture_output=True, text=True
    )
    say((done.stdout + done.stderr).rstrip())
    return done.returncode
