import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from portal.settings.address import adopt, announced, of_running_demo
from sandbox import processes
from sandbox.__main__ import CannotStart, free_port
from sandbox.cast import NORTHWIND
from sandbox.idp import LEAVER, OUTSIDE
from sandbox.processes import Family
from sandbox.test_idp.state import save_app
from sandbox.test_idp.types import App
from tests.architecture.source import ROOT
from tests.processes import is_alive, wait_for

pytestmark = pytest.mark.timeout(900)
# for ends, not starts: it only tells what takes long on a busy machine from what never comes
SECONDS = 180


@pytest.fixture
def family(tmp_path) -> Iterator[Family]:
    with Family() as started:
        yield started


def start_script(family: Family, folder: Path, script: str) -> processes.Child:
    """Run a script that prints when it is ready, and wait for that."""
    child = family.start("script", [sys.executable, "-uc", script], log=folder / "script.log", cwd=folder)
    wait_for(lambda: child.log.read_bytes() or child.has_ended, "the script is ready", by=child.process)
    return child


SLEEPER = "import time; print('ready'); time.sleep(600)"
QUIET_SLEEPER = "import time; time.sleep(600)"
PARENT = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {QUIET_SLEEPER!r}]).pid); input()"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"


def test_family_ends_its_children_at_the_end_of_the_with_block(tmp_path):
    with Family() as family:
        child = start_script(family, tmp_path, SLEEPER)
    assert not is_alive(child.process.pid)


def test_family_stop_ends_processes_started_by_a_child(family, tmp_path):
    script = PARENT.replace("input()", "import time; time.sleep(600)")
    child = start_script(family, tmp_path, script)
    grandchild = int(child.log.read_text().split()[0])
    family.stop()
    wait_for(lambda: not is_alive(grandchild), "the grandchild ends")
    assert not is_alive(child.process.pid)


def test_family_stop_ends_processes_left_behind_by_an_ended_child(family, tmp_path):
    child = start_script(family, tmp_path, PARENT.replace("input()", "sys.exit(3)"))
    wait_for(lambda: child.has_ended, "the child ends")
    grandchild = int(child.log.read_text().split()[0])
    family.stop()
    wait_for(lambda: not is_alive(grandchild), "the grandchild ends")


def test_family_stop_kills_a_child_that_ignores_sigterm(family, tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.2)
    child = start_script(family, tmp_path, STUBBORN)
    family.stop()
    assert child.process.returncode == -signal.SIGKILL


def test_first_ended_returns_the_child_that_ended_with_its_last_output(family, tmp_path):
    child = start_script(family, tmp_path, "raise SystemExit('out of paper')")
    wait_for(lambda: child.has_ended, "the child ends")
    assert family.first_ended() is child
    assert child.last_words() == "out of paper"


@pytest.mark.parametrize(
    ("before", "name"), [(0, r"port {port} can't"), (1, r"port {port}, which the identity provider needs, can't")]
)
def test_free_port_raises_cannot_start_for_a_port_in_use(before, name):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", unused_port() + before))
        taken.listen()
        port = taken.getsockname()[1]
        said = rf"^{name.format(port=port)} be used \(Address already in use\)\. Choose another"
        with pytest.raises(CannotStart, match=said):
            free_port(str(port - before))


@pytest.mark.parametrize("text", ["0", "65535", "-1", "http", "80 80", "８０００"])
def test_free_port_raises_cannot_start_for_text_that_is_no_valid_port(text):
    with pytest.raises(CannotStart, match="isn't a number from 1 to 65534"):
        free_port(text)


ADDRESS = "http://localhost:8123"


def test_of_running_demo_returns_the_announced_url(tmp_path):
    with announced(tmp_path, ADDRESS):
        assert of_running_demo(tmp_path) == ADDRESS


def test_of_running_demo_is_empty_after_the_demo_ended(tmp_path):
    with announced(tmp_path, ADDRESS):
        pass
    assert of_running_demo(tmp_path) == ""


def test_of_running_demo_is_empty_after_the_demo_was_killed(tmp_path, family):
    script = f"""
import sys, time
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from portal.settings.address import announced
with announced(Path({str(tmp_path)!r}), {ADDRESS!r}):
    print("ready")
    time.sleep(600)
"""
    child = start_script(family, tmp_path, script)
    assert of_running_demo(tmp_path) == ADDRESS
    child.process.kill()
    child.process.wait()
    assert of_running_demo(tmp_path) == ""


def test_adopt_keeps_public_base_url_when_it_is_set(tmp_path, monkeypatch):
    monkeypatch.setenv("PUBLIC_BASE_URL", "https://tunnel.example")
    with announced(tmp_path, ADDRESS):
        adopt(tmp_path)
    assert os.environ["PUBLIC_BASE_URL"] == "https://tunnel.example"


@pytest.fixture(scope="module")
def demo_var(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("var")


def environment(var: Path, **given: str) -> dict[str, str]:
    own = {name: text for name, text in os.environ.items() if name not in {"PUBLIC_BASE_URL", "REDIS_URL", "EMAIL_URL"}}
    return own | {
        "DJANGO_SETTINGS_MODULE": "tests.sandbox.settings",
        "SANDBOX_VAR": str(var),
        "DATABASE_URL": f"sqlite:///{var / 'demo.sqlite3'}",
        "PORT": str(unused_port()),
        **given,
    }


def unused_port() -> int:
    """Return a port that is free, as is the next one."""
    while True:
        with socket.socket() as probe, socket.socket() as following:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
            try:
                following.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


class Demo:
    """The running demo, and the processes it started."""

    def __init__(self, var: Path) -> None:
        self.out = var / "demo.out"
        with self.out.open("wb") as output:
            command = [sys.executable, "-m", "sandbox"]
            self.process = subprocess.Popen(command, env=environment(var), stdout=output, stderr=output)
        wait_for(lambda: "running" in self.printed, "the demo serves", by=self.process)
        self.children = self.group("portal.serve") + self.group("celery") + self.group("sandbox.test_idp")

    @property
    def printed(self) -> str:
        return self.out.read_text()

    def group(self, name: str) -> list[int]:
        """Return the demo's children whose command has this name, with their own children."""
        found = subprocess.run(["ps", "-eo", "pid=,ppid=,pgid=,args="], capture_output=True, text=True, check=True)
        rows = [line.split(maxsplit=3) for line in found.stdout.splitlines()]
        leaders = {pid for pid, parent, _, args in rows if parent == str(self.process.pid) and f"-m {name}" in args}
        return [int(pid) for pid, _, group, _ in rows if group in leaders]

    def everything_has_ended(self) -> bool:
        return not any(map(is_alive, [self.process.pid, *self.children]))


@pytest.fixture
def demo(demo_var) -> Iterator[Demo]:
    started = Demo(demo_var)
    yield started
    if started.process.poll() is None:
        started.process.terminate()
        started.process.wait(timeout=SECONDS)


def assert_the_identity_provider_serves(demo: Demo, var: Path) -> None:
    """It has metadata for an app, and knows the demo's people."""
    url = re.search(r"http://127\.0\.0\.1:\d+", demo.printed)[0]
    save_app(var / "idp", App("acme", "Acme", "acme-idp", "sp", "http://localhost/acs"))
    assert 'entityID="acme-idp"' in httpx.get(f"{url}/apps/acme/metadata", trust_env=False).text
    form = httpx.get(f"{url}/apps/acme/open", trust_env=False).text
    assert all(email in form for email in (NORTHWIND.owner.email, LEAVER.user_name, OUTSIDE))


@pytest.mark.worker
def test_command_run_during_the_demo_prints_urls_of_the_demo(demo, demo_var):
    base = re.search(r"http://localhost:\d+", demo.printed)[0]
    command = [sys.executable, "manage.py", "create_scim_token", "northwind", "--label", "Beside", "--json"]
    done = subprocess.run(command, env=environment(demo_var), cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["base_url"].startswith(f"{base}/scim/v2/")


@pytest.mark.worker
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_demo_serves_until_a_signal_and_then_ends_every_process(demo, demo_var, number):
    base = re.search(r"http://localhost:\d+", demo.printed)[0]
    assert httpx.get(f"{base}/readyz", trust_env=False).status_code == 200
    assert_the_identity_provider_serves(demo, demo_var)
    # the web server with two workers, celery with beat, the identity provider with one
    assert len(demo.children) == 7
    demo.process.send_signal(number)
    assert demo.process.wait(timeout=SECONDS) == 0
    assert demo.everything_has_ended()


@pytest.mark.worker
@pytest.mark.parametrize(("command", "name"), [("portal.serve", "web server"), ("celery", "worker")])
def test_demo_stops_with_a_message_when_one_of_its_processes_ends(demo, command, name):
    os.kill(min(demo.group(command)), signal.SIGKILL)
    assert demo.process.wait(timeout=SECONDS) == 1
    assert f"The {name} ended by itself." in demo.printed
    assert demo.everything_has_ended()


@pytest.mark.parametrize(
    ("given", "sentence", "faults"),
    [
        # SECRET_KEY, FIELD_KEYS and EMAIL_URL
        ({"DJANGO_SETTINGS_MODULE": "portal.settings.production"}, "SECRET_KEY is not set", 3),
        ({"DATABASE_URL": "sqlite:////nowhere/at/all.sqlite3"}, "unable to open database file", 1),
        ({"PORT": "many"}, "PORT is 'many'", 1),
    ],
)
def test_demo_prints_one_line_for_each_fault_that_keeps_it_from_starting(tmp_path, given, sentence, faults):
    command = [sys.executable, "-m", "sandbox"]
    done = subprocess.run(command, env=environment(tmp_path, **given), capture_output=True, text=True, timeout=SECONDS)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, faults)
    assert sentence in done.stderr
