"""The demo's processes: the web server with two workers, a Celery worker, its beat, and the test IdP."""

import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import httpx
from django.conf import settings

from orgs.providers.people import made_up_groups
from portal.settings.address import announced
from sandbox.cast import ACCOUNTS, COLLEAGUES, NORTHWIND, PASSWORD, person_of
from sandbox.idp import CONTRACTOR, GROUPS, PEOPLE
from sandbox.processes import Child, Family
from sandbox.test_idp import config as idp
from sandbox.test_idp.state import save_people
from sandbox.test_idp.types import IdpPerson

READY_SECONDS = 180
PROBE_SECONDS = 0.2
# of the directory's people, as many as one looks through; the one who has left is among them
SHOWN = 8


def serve(port: int, stop: Event) -> int:
    """Start everything, say where to click, and end everything once `stop` is set; 1 when a process ended by itself."""
    with announced(settings.VAR_DIR, settings.PUBLIC_BASE_URL), Family() as family:
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
    """Start web server, worker, beat and identity provider; what they print goes to files under var/."""
    folder = settings.VAR_DIR
    command = [sys.executable, "-m", "portal.serve", "--port", str(port), "--workers", "2"]
    family.start("web server", command, log=folder / "web.log", cwd=settings.BASE_DIR)
    celery = [sys.executable, "-m", "celery", "--app", "portal.celery"]
    size = ["--pool", "threads", "--concurrency", "2", "--without-gossip", "--without-mingle"]
    command = [*celery, "worker", *size, "--loglevel", "WARNING"]
    family.start("worker", command, log=folder / "worker.log", cwd=settings.BASE_DIR)
    # a process of its own: a worker that is killed would leave a beat that it had started behind
    command = [*celery, "beat", "--pidfile", "", "--loglevel", "WARNING"]
    family.start("beat", command, log=folder / "beat.log", cwd=settings.BASE_DIR)
    save_people(idp_folder(), identities())
    command = [sys.executable, "-m", "sandbox.test_idp", "--port", str(port + 1), "--folder", str(idp_folder())]
    family.start("identity provider", command, log=folder / "idp.log", cwd=settings.BASE_DIR)


def idp_folder() -> Path:
    """Return where the identity provider keeps its apps, people and keys."""
    folder: Path = settings.TEST_IDP_FOLDER
    return folder


def identities() -> Iterator[IdpPerson]:
    """Return everybody who can sign in at the identity provider without typing: the cast, and some of the directory."""
    for profile in (NORTHWIND.owner, *COLLEAGUES.values()):
        yield person_of(profile)
    groups = made_up_groups(GROUPS, PEOPLE)
    for person in (*PEOPLE[:SHOWN], CONTRACTOR):
        names = tuple(group.name for group in groups if person in group.members)
        username = person.user_name.partition("@")[0]
        yield IdpPerson(person.user_name, person.given_name, person.family_name, username, names)


def wait_until_ready(family: Family, port: int, stop: Event) -> bool:
    """Say whether the portal's /readyz and the identity provider answered within three minutes, while every process ran."""
    for _ in range(int(READY_SECONDS / PROBE_SECONDS)):
        if (ended := family.first_ended()) is not None:
            complain(ended)
            return False
        if is_ready(port):
            return True
        if stop.wait(PROBE_SECONDS):
            return False
    say(f"Not everything was ready within {READY_SECONDS} s. See web.log and idp.log in {settings.VAR_DIR}.")
    return False


def is_ready(port: int) -> bool:
    pages = (f"http://127.0.0.1:{port}/readyz", f"{idp_url(port)}/")
    try:
        answers = [httpx.get(page, timeout=2, trust_env=False) for page in pages]
    except httpx.HTTPError:
        return False
    return all(answer.status_code == httpx.codes.OK for answer in answers)


def idp_url(port: int) -> str:
    """Return the identity provider's address, which has a host name of its own: cookies don't heed ports."""
    return f"http://{idp.HOST}:{port + 1}"


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
        f"Its people sign in at a test identity provider, too, where you can play the admin of one: {idp_url(port)}/",
        *([f"Mail that the demo sends is in {folder}/."] if folder else []),
        "Ctrl-C stops everything.",
    ]
    inner = max(map(len, lines))
    rule = "─" * (inner + 2)
    return "\n".join([f"┌{rule}┐", *(f"│ {line:<{inner}} │" for line in lines), f"└{rule}┘"])


def say(text: str) -> None:
    """Print at once, also where the output is a file."""
    print(text, flush=True)  # noqa: T201
