"""`manage.py create_connection`: a SAML connection for an organization, from the IdP's metadata."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from orgs.base.actor import Actor
from orgs.providers.registry import PROVIDERS
from portal.management.command import OperatorCommand, Report, organization, printable_text
from portal.setup import NewConnection, create_connection
from sso.connections import queries
from sso.connections.types import SignInRules
from sso.metadata.types import LARGEST_DOCUMENT, LONGEST_URL

ACTOR = Actor.command("create_connection")


class CreateConnectionCommand(OperatorCommand):
    """The connection is made whole or not at all."""

    help = "Make a SAML connection for an organization. Without --activate an admin tests it, then turns it on."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug", help="the organization's short name")
        parser.add_argument("--name", type=printable_text("name", 100), required=True, help="what it is called")
        codes = [one.code for one in PROVIDERS]
        parser.add_argument("--provider", choices=codes, required=True, help="which identity provider it is")
        metadata = parser.add_mutually_exclusive_group(required=True)
        metadata.add_argument("--metadata-file", metavar="F", help="the IdP's metadata, as it was exported")
        metadata.add_argument(
            "--metadata-url",
            metavar="U",
            type=printable_text("URL", LONGEST_URL),
            help="where the IdP publishes its metadata, by https",
        )
        parser.add_argument("--jit", action="store_true", help="people are added when they sign in for the first time")
        parser.add_argument("--allow-idp-initiated", action="store_true", help="sign-ins may begin at the IdP")
        parser.add_argument(
            "--activate", action="store_true", help="turn it on without a test sign-in; the audit log says so"
        )

        parser.add_argument(
            "--accept-expired-certificate",
            action="store_true",
            help="trust the certificates though all of them have expired: the IdP still signs with them",
        )

    def act(self, options: Mapping[str, Any]) -> Report:
        order = NewConnection(
            name=options["name"],
            provider=options["provider"],
            rules=SignInRules(jit=options["jit"], allow_idp_initiated=options["allow_idp_initiated"]),
            document=read_file(options["metadata_file"]),
            url=options["metadata_url"] or "",
            turn_on=options["activate"],
            accepts_expired=options["accept_expired_certificate"],
        )
        made = create_connection(org=organization(options["slug"]), order=order, actor=ACTOR)
        ours = queries.addresses(made)
        return {
            "id": str(made.public_id),
            "sp_entity_id": ours.sp_entity_id,
            "acs_url": ours.acs_url,
            "login_url": ours.login_url,
            "sp_metadata_url": ours.sp_metadata_url,
        }


def read_file(path: str | None) -> bytes:
    """Return the file's bytes, and no more than can be metadata. Raises CommandError."""
    if path is None:
        return b""
    if not path:
        # to Python it would be the working directory
        raise CommandError("--metadata-file names no file.")
    try:
        with Path(path).open("rb") as file:
            return file.read(LARGEST_DOCUMENT + 1)
    except OSError as error:
        raise CommandError(f"{path} can't be read ({error.strerror}).") from error


# Django looks for this name
Command = CreateConnectionCommand
