"""A check is made of parts: each is a command with a budget of seconds, whose output is shown."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

CLOSING_WORDS = (" passed", " failed", " error", " deselected", "no tests ran")


@dataclass(frozen=True, slots=True)
class Part:
    """A command that must exit 0."""

    name: str
    command: Sequence[str]
    budget: int
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a part; `closing` is the last line that counts tests, or empty."""

    name: str
    seconds: float
    budget: int
    passed: bool
    closing: str = ""

    @property
    def verdict(self) -> str:
        if not self.passed:
            return "FAILED"
        return "passed, over budget" if self.seconds > self.budget else "passed"


def say(text: str = "") -> None:
    """Write a line at once, also where the output is a file."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def run(part: Part, tell: Callable[[str], None] = say) -> Result:
    """The command has run to its end, with its output on ours."""
    tell(f"\n=== {part.name} (budget {part.budget} s)")
    started = time.monotonic()
    closing = ""
    passed = False
    try:
        with _started(part) as process:
            assert process.stdout is not None  # noqa: S101 - asked for when it was started
            for line in process.stdout:
                tell(line.rstrip("\n"))
                if " in " in line and any(word in line for word in CLOSING_WORDS):
                    closing = line.strip("= \n")
        passed = process.returncode == 0
    except OSError as error:
        tell(f"{part.command[0]} didn't start: {error}")
    return Result(part.name, time.monotonic() - started, part.budget, passed, closing)


def _started(part: Part) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own commands
        part.command,
        # into a pipe Python would keep lines back
        env={**part.environment, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        # errors go where the output goes, so that both stay in order
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )


def run_together(parts: Sequence[Part]) -> list[Result]:
    """The commands have run to their ends, as many at a time as there are cores; the output of each is one piece."""
    results = []
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for result, lines in pool.map(_kept, parts):
            say("\n".join(lines))
            results.append(result)
    return results


def _kept(part: Part) -> tuple[Result, list[str]]:
    lines: list[str] = []
    return run(part, lines.append), lines


def check(name: str, budget: int, problems: Callable[[], Sequence[str]]) -> Result:
    """The question was asked of this process itself; each problem is a line of the output."""
    say(f"\n=== {name} (budget {budget} s)")
    started = time.monotonic()
    found = problems()
    for problem in found:
        say(problem)
    return Result(name, time.monotonic() - started, budget, not found)


def summary(results: Sequence[Result]) -> str:
    """Return a table of the parts, with the closing line of each that ran tests."""
    width = max(8, *(len(result.name) for result in results))
    total = Result("added up", sum(r.seconds for r in results), sum(r.budget for r in results), passed=True)
    lines = [f"{r.name:<{width}}  {r.seconds:>6.1f} s of {r.budget:>4} s" for r in [*results, total]]
    verdicts = [*(f"  {r.verdict:<18}  {r.closing}".rstrip() for r in results), ""]
    return "\n".join(map("".join, zip(lines, verdicts, strict=True)))
