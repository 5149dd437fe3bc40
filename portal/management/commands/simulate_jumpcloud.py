"""`manage.py simulate_jumpcloud`: JumpCloud's Test Connection and Activate against any SCIM server, step by step."""

import argparse
import os
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
from django.core.management.base import CommandError, CommandParser

from orgs.base.addresses import is_mail_address
from orgs.providers.jumpcloud.changes import PEOPLE_NEEDED
from orgs.providers.steps import StepOutcome
from portal.management.command import OperatorCommand, Report, read_line
from portal.simulator.plan import Plan, simulate
from portal.simulator.report import Line, as_line, as_text
from scim.dialects.client import ScimServer, new_client, sender

STEP_FAILED, BAD_INPUT = 1, 2
LAST_PORT = 65535


class SimulateJumpcloudCommand(OperatorCommand):
    """Exits 0 when every step passed, 1 when one failed, 2 on bad input or a server that can't be reached."""

    help = "Play JumpCloud against a SCIM server: Test Connection, and on request Activate and later changes."
    # it talks to a server only: it has to run where this site's own database is down or not set up
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--base-url", required=True, help="what is pasted into JumpCloud as Base URL")
        parser.add_argument("--token", help="the bearer token; better given by --token-stdin or SCIM_TOKEN")
        parser.add_argument("--token-stdin", action="store_true", help="read the token from standard input")
        parser.add_argument("--test-email", required=True, help="an address that is unknown at that server")
        parser.add_argument(
            "--groups",
            action=argparse.BooleanOptionalAction,
            default=False,
            help="management of groups and their members is on",
        )
        parser.add_argument("--twice", action="store_true", help="test the connection twice with the same address")
        parser.add_argument("--activate", action="store_true", help="then push made-up people and groups; they stay")
        parser.add_argument("--lifecycle", action="store_true", help="then change, deactivate and delete some of them")
        parser.add_argument("--people", type=int, default=40, help="how many people are pushed")
        parser.add_argument("--group-count", type=int, default=5, help="how many groups are pushed")
        parser.add_argument("--domain", default="", help="the people's domain, by default that of the test e-mail")

    def act(self, options: Mapping[str, Any]) -> Report:
        target = ScimServer(_base_url(options["base_url"]), _token(options))
        plan = _plan(options)
        with new_client() as client:
            steps = list(self._walk(plan, target, client, is_json=options["json"]))
        failure = _first_failure(steps)
        failed_step = failure["name"] if failure else None
        return {"base_url": target.base_url, "passed": failure is None, "failed_step": failed_step, "steps": steps}

    def _walk(self, plan: Plan, target: ScimServer, client: httpx.Client, *, is_json: bool) -> Iterator[Line]:
        """Yield each step as it ends; a person reads it then, too."""
        title = ""
        for number, (section, result) in enumerate(simulate(plan, sender(target, client)), 1):
            if number == 1 and result.got is None:
                raise CommandError(f"Nothing answers at {target.base_url}. {result.reason}", returncode=BAD_INPUT)
            yield as_line(number, section, result, target)
            if is_json:
                continue
            if section.title != title:
                title = section.title
                self.stdout.write(self.style.MIGRATE_HEADING(title))
            for line in as_text(number, result, target):
                self.stdout.write(line)

    def describe(self, report: Report) -> str:
        """Return one sentence about the run."""
        failure = _first_failure(report["steps"])
        if failure is None:
            return f"All {sum(step['sent'] is not None for step in report['steps'])} steps passed."
        where = f"{failure['section']} failed at step {failure['number']}, {failure['label']} ({failure['name']})"
        return f"{where}: {failure['reason']}"

    def print(self, report: Report, *, is_json: bool) -> None:
        if is_json or report["passed"]:
            super().print(report, is_json=is_json)
        if not report["passed"]:
            raise CommandError(self.describe(report), returncode=STEP_FAILED)


def _first_failure(steps: list[Line]) -> Line | None:
    return next((step for step in steps if step["outcome"] == StepOutcome.FAILED.value), None)


def _base_url(text: str) -> str:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL()
    # httpx percent-encodes what can't be in a host name instead of refusing it
    is_host = bool(url.host) and "%" not in url.host and (url.port or 0) <= LAST_PORT
    if url.scheme not in ("http", "https") or not is_host or url.userinfo or url.fragment:
        raise CommandError("--base-url must be an http or https URL without a password.", returncode=BAD_INPUT)
    return text


def _token(options: Mapping[str, Any]) -> str:
    given = _typed_token() if options["token_stdin"] else options["token"] or os.environ.get("SCIM_TOKEN", "")
    token = str(given).strip()
    if not token:
        raise CommandError("Give the token by --token, --token-stdin or SCIM_TOKEN.", returncode=BAD_INPUT)
    if not token.isascii() or not token.isprintable() or " " in token:
        raise CommandError("The token holds characters that no header can carry.", returncode=BAD_INPUT)
    return token


def _typed_token() -> str:
    try:
        return read_line("token")
    except CommandError as error:
        raise CommandError(str(error), returncode=BAD_INPUT) from error


def _plan(options: Mapping[str, Any]) -> Plan:
    names = ("test_email", "groups", "twice", "activate", "lifecycle", "people", "group_count", "domain")
    plan = Plan(**{name: options[name] for name in names})
    if not all(map(is_mail_address, (plan.test_email, f"someone@{plan.domain or 'example.com'}"))):
        raise CommandError("--test-email or --domain is not valid.", returncode=BAD_INPUT)
    if plan.people < (PEOPLE_NEEDED if plan.lifecycle else 1) or plan.group_count < 1:
        raise CommandError(
            f"--people and --group-count must be 1 at least, and --lifecycle needs {PEOPLE_NEEDED} people.",
            returncode=BAD_INPUT,
        )
    return plan


# Django looks for this name
Command = SimulateJumpcloudCommand
