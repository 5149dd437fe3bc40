"""The demo's processes: granian with two workers, and a Celery worker with beat."""

import sys
from threading import Event

import httpx
from django.conf import settings

from portal.sandbox.cast import ACCOUNTS, NORTHWIND, PASSWORD
from portal.sandbox.processes import Child, Family

READY_SECONDS = 60
PROBE_SECONDS = 0.2


def serve(port: int, stop: Event) -> int:
    """Start everything, say where to click, and end everything once `stop` is set; 1 when a process ended by itself."""
    with Family() as family:
        start(family, port)
        if not wait_until_ready(family, port, stop):
            return 0 if stop.is_set() else 1
        say(greeting(port))
        while not stop.wait(0.5):
            if (ended := family.first_ended()) is not None:
                complain(ended)
                return 1
        say("Stopping ...")
    return 0


def start(family: Family, port: int) -> None:
    """Web server and worker run; what they print is in files under var/."""
    folder = settings.VAR_DIR
    web = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    size = ["--workers", "2", "--blocking-threads", "8", "--no-ws"]
    command = [*web, *size, "portal.wsgi:application"]
    family.start("web server", command, log=folder / "web.log", cwd=settings.BASE_DIR)
    worker = [sys.executable, "-m", "celery", "--app", "portal.celery", "worker", "--beat"]
    size = ["--pool", "threads", "--concurrency", "2", "--without-gossip", "--without-mingle"]
    command = [*worker, *size, "--loglevel", "WARNING"]
    family.start("worker", command, log=folder / "worker.log", cwd=settings.BASE_DIR)


def wait_until_ready(family: Family, port: int, stop: Event) -> bool:
    """Say whether /readyz answered 200 within a minute, while every process ran."""
    for _ in range(int(READY_SECONDS / PROBE_SECONDS)):
        if (ended := family.first_ended()) is not None:
            complain(ended)
            return False
        if is_ready(port):
            return True
        if stop.wait(PROBE_SECONDS):
            return False
    say(f"Nothing was ready within {READY_SECONDS} s. See {settings.VAR_DIR / 'web.log'}.")
    return False


def is_ready(port: int) -> bool:
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2, trust_env=False)
    except httpx.HTTPError:
        return False
    return answer.status_code == httpx.codes.OK


def complain(child: Child) -> None:
    say(f"The {child.name} ended by itself. The end of {child.log}:\n{child.last_words()}")


def greeting(port: int) -> str:
    """Return where to click and whom to sign in as, in a box."""
    base: str = settings.PUBLIC_BASE_URL
    folder = getattr(settings, "EMAIL_FILE_PATH", None)
    width = max(len(account.email) for account in ACCOUNTS)
    lines = [
        "Gatehouse is running.",
        "",
        f"Open      {base}/",
        f"Password  {PASSWORD}   (the same for everybody)",
        "",
        *(f"{account.email:<{width}}  {account.sees}" for account in ACCOUNTS),
        "",
        f"As {NORTHWIND.owner.email}, see Organization settings → Authentication & SSO:",
        f"{base}/orgs/{NORTHWIND.slug}/settings/authentication/",
        *([f"Mail that the demo sends is in {folder}/."] if folder else []),
        "Ctrl-C stops everything.",
    ]
    inner = max(map(len, lines))
    rule = "─" * (inner + 2)
    return "\n".join([f"┌{rule}┐", *(f"│ {line:<{inner}} │" for line in lines), f"└{rule}┘"])


def say(text: str) -> None:
    """Print at once, also where the output is a file."""
    print(text, flush=True)  # noqa: T201
