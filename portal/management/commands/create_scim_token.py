"""`manage.py create_scim_token`: what is pasted into an identity provider."""

import argparse
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.core.management.base import CommandError, CommandParser

from orgs.base.actor import Actor
from portal.management.command import OperatorCommand, Report, organization, printable_text
from scim.directories.queries import base_url, first_directory
from scim.directories.services import generate_token
from scim.directories.types import TokenOrder

LONGEST_LIFE = 3650


def days(text: str) -> timedelta:
    """Return the text as a token's life in days, for argparse."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= LONGEST_LIFE:
        raise argparse.ArgumentTypeError(f"{text!r} isn't a whole number of days from 1 to {LONGEST_LIFE}")
    return timedelta(days=int(text))


class CreateScimTokenCommand(OperatorCommand):
    """The token is printed this once; it can't be read again."""

    help = "Generate a bearer token for an organization's SCIM directory."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug", help="the organization's short name")
        parser.add_argument("--label", type=printable_text("label", 100), required=True, help="where it will be used")
        parser.add_argument(
            "--expires-days", type=days, metavar="N", help="it ends after so many days; by default never"
        )

    def act(self, options: Mapping[str, Any]) -> Report:
        directory = first_directory(organization(options["slug"]))
        order = TokenOrder(options["label"], nonce=uuid4(), expires_in=options["expires_days"])
        generated = generate_token(directory=directory, order=order, actor=Actor.command("create_scim_token"))
        if generated.plain is None:
            raise CommandError("No new token was made. Run the command again.")
        return {"base_url": base_url(directory), "token": generated.plain, "directory_id": str(directory.public_id)}


# Django looks for this name
Command = CreateScimTokenCommand
