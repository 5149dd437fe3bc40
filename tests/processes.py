"""Processes that tests start: are they alive, and waiting for what they do, however busy the machine is."""

import fcntl
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

# nothing that works is still for so long, on a busy machine, too
STILL_SECONDS = 90.0
LOOK_SECONDS = 0.05


def wait_for(claim: Callable[[], object], what: str, by: "subprocess.Popen[bytes] | None" = None) -> None:
    """Return once the claim holds. Fail when `by` has ended without it, or when nothing has happened for a long time.

    Something happens while `by`, or a process below it, uses processor time. There is no other limit than the test's.
    """
    seen, since = None, time.monotonic()
    while not claim():
        if by is not None:
            assert by.poll() is None or claim(), f"the process has ended ({by.returncode}) before: {what}"
            if (used := processor_time(by.pid)) != seen:
                seen, since = used, time.monotonic()
        assert time.monotonic() < since + STILL_SECONDS, (
            f"nothing has happened for {STILL_SECONDS:.0f} s before: {what}"
        )
        time.sleep(LOOK_SECONDS)


def within(seconds: float, claim: Callable[[], object], what: str) -> None:
    """Return once the claim holds; fail when it doesn't within these seconds."""
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(LOOK_SECONDS)


def processor_time(pid: int) -> int:
    """Return the clock ticks that a process and those below it have used."""
    ticks = {entry: _parent_and_ticks(entry) for path in Path("/proc").glob("[0-9]*") if (entry := int(path.name))}
    family, found = {pid}, True
    while found:
        found = {each for each, (parent, _) in ticks.items() if parent in family} - family
        family |= found
    return sum(ticks[each][1] for each in family if each in ticks)


def _parent_and_ticks(pid: int) -> tuple[int, int]:
    """Return the parent of a process and its ticks, with those of its children that have ended; zeros when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0, 0
    # proc(5): field 3 is the first here; ppid is field 4, the times are 14 to 17
    return int(fields[1]), sum(map(int, fields[11:15]))


def is_alive(pid: int) -> bool:
    try:
        # a zombie has ended, and waits for its parent or for init
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def one_at_a_time(name: str) -> Iterator[None]:
    """Wait until no other test of this machine uses what has this name: there is one of it, such as a database of Redis."""
    with (Path(tempfile.gettempdir()) / f"gatehouse-tests-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
