"""What the operator's commands share: one JSON document on request, one clear line on bad input."""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from orgs.base.addresses import is_mail_address
from orgs.base.clock import iso
from orgs.base.errors import DomainError
from orgs.tenancy.errors import AccountExists, OrganizationUnknown
from orgs.tenancy.models import Organization, User
from orgs.tenancy.queries import account_for_address, find_organization, verified_at

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
Report = Mapping[str, Any]


class OperatorCommand(BaseCommand):
    """Subclasses do the work in `act` and describe its result; this prints it, and turns refusals into one line."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        # a refusal is one line for whoever reads it in a script's log; --help still shows the usage
        parser.print_usage = lambda *_: None  # type: ignore[method-assign]
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = self.act(options)
        except AccountExists as error:
            if options["json"]:
                self.print(_account_facts(error), is_json=True)
            raise CommandError(f"{error.public} If it is this person's, add --existing-account.") from error
        except DomainError as error:
            raise CommandError(error.public) from error
        except DatabaseError as error:
            raise CommandError(f"The database can't do that ({_cause(error)}). Has `manage.py migrate` run?") from error
        self.print(report, is_json=options["json"])

    def act(self, options: Mapping[str, Any]) -> Report:
        """Run the command, and return the document that --json prints. Raises CommandError, DomainError."""
        raise NotImplementedError

    def describe(self, report: Report) -> str:
        """Return the same for a person: one line for each value."""
        width = max(map(len, report), default=0)
        return "\n".join(f"{name:<{width}}  {value}" for name, value in report.items())

    def print(self, report: Report, *, is_json: bool) -> None:
        self.stdout.write(json.dumps(report) if is_json else self.describe(report))

    def note_kept_password(self, user: User, given: str | None) -> None:
        """Print, outside the document, that the account existed and the given password wasn't set."""
        if given is not None and not user.check_password(given):
            self.stderr.write(f"{user.email} had an account already, which keeps its own password.", self.style.NOTICE)

    @contextmanager
    def noting_existing_account(self, email: str) -> Iterator[None]:
        """Print, outside the document, since when an account has the address, once the block has taken it."""
        user = account_for_address(email)
        since = verified_at(user, email) if user is not None else None
        yield
        if user is not None:
            facts = AccountExists(address=email, verified_at=since, last_login=user.last_login)
            self.stderr.write(f"{facts.public} It is taken, and keeps its own password.", self.style.NOTICE)


def add_account_options(parser: CommandParser) -> None:
    add_password_option(parser)
    parser.add_argument(
        "--existing-account",
        action="store_true",
        help="take the account that has the address already: you know that it is still this person's",
    )


def add_password_option(parser: CommandParser) -> None:
    parser.add_argument(
        "--password-stdin",
        action="store_true",
        help="read the new account's password from standard input; without it, the reset page mails a link to set one",
    )


def read_password(options: Mapping[str, Any], email: str) -> str | None:
    """Return the first line of standard input, or None when no password was asked for. Raises CommandError."""
    if not options["password_stdin"]:
        return None
    password = read_line("password")
    try:
        validate_password(password, User(email=email))
    except ValidationError as error:
        raise CommandError(f"That password is too weak. {' '.join(error.messages)}") from error
    return password


def read_line(name: str) -> str:
    """Return the first line of standard input, without its end. Raises CommandError, which calls it by this name."""
    try:
        # None when whoever started this process had closed it
        line = sys.stdin.readline() if sys.stdin else ""
        # in some locales what isn't UTF-8 is read, as characters that can't be written again
        line.encode()
    except OSError as error:
        raise CommandError(f"The {name} can't be read from standard input ({error.strerror or error}).") from error
    except UnicodeError as error:
        raise CommandError(f"The {name} on standard input isn't UTF-8.") from error
    if not line:
        raise CommandError(f"There is no {name} on standard input.")
    return line.rstrip("\r\n")


def printable_text(name: str, longest: int) -> Any:
    """Return an argparse type: text of 1 to `longest` printable characters, without outer space."""

    def read(text: str) -> str:
        text = text.strip()
        if not text or len(text) > longest or not text.isprintable():
            raise argparse.ArgumentTypeError(f"a {name} has 1 to {longest} printable characters")
        return text

    return read


def slug(text: str) -> str:
    """Return the text if it can be an organization's slug, for argparse."""
    if not SLUG.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} isn't a slug: use 1 to 63 lowercase letters, digits and hyphens, none of these at an end"
        )
    return text


def address(text: str) -> str:
    """Return the text if it is an e-mail address, for argparse."""
    if not is_mail_address(text):
        raise argparse.ArgumentTypeError(f"{text!r} isn't an e-mail address")
    return text


def organization(name: str) -> Organization:
    """Return the organization with this slug. Raises CommandError that names it."""
    try:
        return find_organization(slug(name))
    except (OrganizationUnknown, argparse.ArgumentTypeError) as error:
        raise CommandError(f"There is no organization with the slug {name!r}.") from error


def _account_facts(error: AccountExists) -> Report:
    return {
        "error": error.code,
        "email": error.address,
        "verified_at": iso(error.verified_at) if error.verified_at else None,
        "last_sign_in_at": iso(error.last_login) if error.last_login else None,
    }


def _cause(error: DatabaseError) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
