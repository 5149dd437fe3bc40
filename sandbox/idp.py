"""The demo's identity provider: JumpCloud's calls to the real endpoint, in this process, so that the log is real."""

import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.test import Client

from orgs.providers.jumpcloud import bodies
from orgs.providers.jumpcloud.changes import deactivate_person
from orgs.providers.jumpcloud.push import activate
from orgs.providers.people import MadeUpPerson, made_up_groups, made_up_people, object_id
from orgs.providers.steps import ScimStep, StepRequest, StepResponse
from sandbox.cast import DOMAIN
from sandbox.processes import CannotStart
from scim.dialects.walk import Send, walk
from scim.directories.models import Directory
from scim.directories.queries import base_url

# an address that is kept for documentation (RFC 5737 §3)
FROM_ADDRESS = "203.0.113.20"
MEDIA_TYPE = "application/scim+json"
USER_AGENT = "JumpCloud-SCIM/1.0"
GROUPS = 5
OUTSIDE = "noor.haddad@partner.example"
CONTRACTOR = MadeUpPerson(OUTSIDE, "Noor", "Haddad", object_id(OUTSIDE), "Contractor", "Support")
PEOPLE = (*made_up_people(39, DOMAIN), CONTRACTOR)
TWICE, LEAVER = PEOPLE[0], PEOPLE[7]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A call that fails, and how it is answered."""

    call: StepRequest
    status: int


MISTAKES = (
    Mistake(StepRequest("POST", "/Users", bodies.new_user(PEOPLE[3])), 409),
    Mistake(StepRequest("GET", "/Users?filter=shoeSize%20eq%20%2242%22"), 400),
    Mistake(StepRequest("GET", "/Users/00000000-0000-4000-8000-000000000000"), 404),
)
WRONG_TOKEN = Mistake(StepRequest("GET", "/Users?startIndex=1&count=100"), 401)


def provision(directory: Directory, token: str) -> None:
    """Provision the demo's people and groups into the directory, with some failures in its log.

    Raises CannotStart when the endpoint doesn't answer as it must.
    """
    with expected_failures_unlogged():
        _call(directory, token)


def _call(directory: Directory, token: str) -> None:
    send = _sender(directory, token)
    _fail(WRONG_TOKEN, _sender(directory, "ghs_pasted-without-its-end"))
    _take(activate(PEOPLE, made_up_groups(GROUPS, PEOPLE)), send)
    for mistake in MISTAKES:
        _fail(mistake, send)
    _take(deactivate_person(LEAVER), send)
    _take(activate([TWICE]), send)


@contextmanager
def expected_failures_unlogged() -> Iterator[None]:
    # Django warns of every 4xx: whoever starts the demo would take those below for trouble
    log = logging.getLogger("django.request")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


def _sender(directory: Directory, token: str) -> Send:
    base = urlsplit(base_url(directory))
    # the test client, since it leaves the connection open: one transaction holds the whole demo
    client = Client(REMOTE_ADDR=FROM_ADDRESS, HTTP_HOST=base.netloc, HTTP_USER_AGENT=USER_AGENT)
    headers = {"Authorization": f"Bearer {token}", "Accept": MEDIA_TYPE}

    def send(call: StepRequest) -> StepResponse:
        body = "" if call.body is None else json.dumps(call.body)
        response = client.generic(call.method, base.path + call.target, body, content_type=MEDIA_TYPE, headers=headers)
        given = {name.lower(): value for name, value in response.headers.items()}
        return StepResponse(response.status_code, json.loads(response.content or "null"), headers=given)

    return send


def _take(steps: Iterable[ScimStep], send: Send) -> None:
    for result in walk(steps, {}, send):
        if not result.passed:
            raise CannotStart(f"{result.step.label}: {result.reason}")


def _fail(mistake: Mistake, send: Send) -> None:
    answer = send(mistake.call)
    if answer.status != mistake.status:
        raise CannotStart(
            f"{mistake.call.method} {mistake.call.target} was answered {answer.status}, not {mistake.status}."
        )
