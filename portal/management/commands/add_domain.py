"""`manage.py add_domain`: a domain for an organization, verified on request."""

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from orgs.base.actor import Actor
from orgs.domains.services import txt_record
from portal.management.command import OperatorCommand, Report, organization
from portal.setup import add_domain


class AddDomainCommand(OperatorCommand):
    """Adding a domain twice changes nothing; with --verified it then counts as verified."""

    help = "Add a domain to an organization. --verified says that you have proof of it by other means than DNS."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug", help="the organization's short name")
        parser.add_argument("domain", help="as in example.com")
        parser.add_argument(
            "--verified", action="store_true", help="it counts as verified, and lets in who waited under it"
        )

    def act(self, options: Mapping[str, Any]) -> Report:
        domain = add_domain(
            org=organization(options["slug"]),
            name=options["domain"],
            verified=options["verified"],
            actor=Actor.command("add_domain"),
        )
        host, value = txt_record(domain)
        return {"domain": domain.name, "state": str(domain.state), "txt_name": host, "txt_value": value}


# Django looks for this name
Command = AddDomainCommand
