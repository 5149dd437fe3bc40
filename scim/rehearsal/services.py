import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

import httpx
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.module_loading import import_string

from orgs.audit import services as audit
from orgs.audit.services import AuditTarget, Change
from orgs.base.actor import Actor
from orgs.base.clock import now
from orgs.events import services as outbox
from orgs.providers.habits import CallSequence
from orgs.providers.people import made_up_groups, made_up_people
from orgs.providers.steps import ScimStep, StepRequest, StepResponse, StepResult
from orgs.providers.templates import Context, fill_text, placeholders
from scim.dialects.client import ScimServer, new_client, sender
from scim.dialects.walk import NoAnswerError, Send, walk
from scim.directories import queries as directories
from scim.directories import services as tokens
from scim.directories.models import Directory
from scim.rehearsal import queries
from scim.rehearsal.models import Rehearsal
from scim.rehearsal.types import (
    ADDRESS_DOMAIN,
    LONGEST_RUN,
    REHEARSAL_ASKED,
    TOKEN_LIFE,
    UNFINISHED,
    RehearsalSection,
    RehearsalState,
    RehearsalUnderWay,
    StepLine,
)

GROUPS_PUSHED = 2


@dataclass(slots=True)
class Made:
    """What the calls of a rehearsal have created and not deleted, as paths below the Base URL."""

    paths: list[str] = field(default_factory=list)

    def watch(self, send: Send) -> Send:
        """Return a `send` that keeps account of what is created and deleted."""

        def watched(call: StepRequest) -> StepResponse:
            answer = send(call)
            made = answer.body.get("id") if isinstance(answer.body, dict) else None
            if call.method == "POST" and answer.status == 201 and isinstance(made, str):
                self.paths.append(f"{call.target}/{made}")
            if call.method == "DELETE" and answer.status in (204, 404) and call.target in self.paths:
                self.paths.remove(call.target)
            return answer

        return watched


def ask_rehearsal(*, directory: Directory, provider: str, with_groups: bool, actor: Actor) -> Rehearsal:
    """Plan a rehearsal, which a worker runs at once. Raises RehearsalUnderWay."""
    end_overdue(directory=directory)
    try:
        with transaction.atomic():
            rehearsal = Rehearsal.objects.create(
                org_id=directory.org_id,
                directory=directory,
                provider=provider,
                with_groups=with_groups,
                asked_by_label=actor.label[:254],
                asked_at=now(),
            )
            audit.record(
                org=directory.org,
                actor=actor,
                action="rehearsal.asked",
                target=AuditTarget("directory", str(directory.public_id)),
                change=Change(after={"provider": provider, "with_groups": with_groups}),
            )
            outbox.add(org=directory.org, kind=REHEARSAL_ASKED, key=str(rehearsal.public_id))
    except IntegrityError as error:
        raise RehearsalUnderWay from error
    return rehearsal


def run_rehearsal(*, rehearsal: Rehearsal) -> None:
    """Walk the provider's calls against the directory, with a token of its own, and remove whatever they leave.

    A second run of the same rehearsal means that the first was interrupted: then only what it left is removed.
    """
    same = Rehearsal.objects.filter(org_id=rehearsal.org_id, pk=rehearsal.pk)
    is_first = same.filter(state=RehearsalState.WAITING).update(state=RehearsalState.RUNNING, started_at=now())
    if not is_first and not same.filter(state=RehearsalState.RUNNING).exists():
        return
    made = Made(list(rehearsal.made))
    outcome = RehearsalState.INTERRUPTED
    try:
        with _opened(rehearsal.directory) as send:
            if is_first:
                outcome = _walk(rehearsal, made, made.watch(send))
            _remove(made, send)
    finally:
        same.update(state=outcome, ended_at=now(), made=made.paths)


def _walk(rehearsal: Rehearsal, made: Made, send: Send) -> RehearsalState:
    """Take every step and store what became of it. Returns whether all passed."""
    failed = False
    for section in _sections(rehearsal):
        if failed:
            break
        for result in walk(section.steps, section.context, send):
            failed = failed or not result.passed
            rehearsal.steps.append(_line(section, result))
            rehearsal.made = made.paths
            rehearsal.save(update_fields=["steps", "made"])
    return RehearsalState.FAILED if failed else RehearsalState.PASSED


def _sections(rehearsal: Rehearsal) -> Iterator[RehearsalSection]:
    """Yield the parts of the walk, about people and groups whom nobody else can be."""
    calls = queries.calls_of(rehearsal.provider)
    # the page offers only providers whose calls are known
    assert calls is not None  # noqa: S101
    mark = secrets.token_hex(4)
    domain = f"{mark}.{ADDRESS_DOMAIN}"
    test = calls.connection_test_with_groups if rehearsal.with_groups else calls.connection_test
    yield RehearsalSection("Test Connection", test, calls.context(f"test@{domain}", mark))
    yield from _pushes(calls, domain, mark, GROUPS_PUSHED if rehearsal.with_groups else 0)


def _pushes(calls: CallSequence, domain: str, mark: str, group_count: int) -> Iterator[RehearsalSection]:
    people = made_up_people(calls.people_needed, domain)
    groups = [replace(group, name=f"{group.name} {mark}") for group in made_up_groups(group_count, people)]
    nothing: Context = {}
    yield RehearsalSection("Push people and groups", calls.activate(people, groups), nothing)
    yield RehearsalSection("Change them", calls.lifecycle(people, groups), nothing)


def _line(section: RehearsalSection, result: StepResult) -> StepLine:
    sent, got = result.sent, result.got
    return {
        "section": section.title,
        "label": _label(section, result.step),
        "outcome": result.outcome.value,
        "method": sent.method if sent else "",
        "target": sent.target if sent else "",
        "status": got.status if got else None,
        "reason": result.reason,
        "notes": list(result.notes),
        "milliseconds": got.milliseconds if got else None,
    }


def _label(section: RehearsalSection, step: ScimStep) -> str:
    """Return what the step is called, with the names of this run in it."""
    return fill_text(step.label, section.context) if placeholders(step.label) <= section.context.keys() else step.label


def _remove(made: Made, send: Send) -> None:
    """Delete what the calls left behind: what was made last goes first. What can't be deleted stays on the account."""
    watched = made.watch(send)
    for path in reversed(made.paths.copy()):
        with suppress(NoAnswerError):
            watched(StepRequest("DELETE", path))


@contextmanager
def _opened(directory: Directory) -> Iterator[Send]:
    """Give the way to the endpoint, within this process, with a token that is gone behind the block."""
    token = tokens.generate_rehearsal_token(directory=directory, life=TOKEN_LIFE)
    application = import_string(settings.WSGI_APPLICATION)
    try:
        with new_client(httpx.WSGITransport(application)) as client:
            # no proxy is passed here: the portal isn't to take that for a wrong TRUSTED_PROXY_COUNT
            client.headers["X-Forwarded-For"] = ", ".join(["127.0.0.1"] * settings.TRUSTED_PROXY_COUNT)
            yield sender(ScimServer(directories.base_url(directory), token.plain), client)
    finally:
        tokens.delete_rehearsal_tokens(directory=directory)


def end_overdue(*, directory: Directory) -> None:
    """End a rehearsal that should have ended long ago, so that another can be asked for."""
    overdue = Rehearsal.objects.filter(
        org_id=directory.org_id,
        directory=directory,
        state__in=UNFINISHED,
        asked_at__lt=now() - LONGEST_RUN,
    )
    for rehearsal in overdue:
        if rehearsal.state == RehearsalState.RUNNING:
            run_rehearsal(rehearsal=rehearsal)
        else:
            overdue.filter(pk=rehearsal.pk).update(state=RehearsalState.INTERRUPTED, ended_at=now())
