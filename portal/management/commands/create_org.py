"""`manage.py create_org`: an organization with its owner and its directory."""

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from orgs.base.actor import Actor
from portal.management.command import (
    OperatorCommand,
    Report,
    add_password_option,
    address,
    printable_text,
    read_password,
    slug,
)
from portal.setup import NewOrganization, create_org


class CreateOrgCommand(OperatorCommand):
    """An account that has the owner's address already becomes the owner, and keeps its password."""

    help = "Create an organization with its first owner, whose address counts as verified."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name", type=printable_text("name", 200), help="what people read, as in 'Northwind Labs'")
        parser.add_argument("--slug", type=slug, required=True, help="its short name in URLs, as in northwind")
        parser.add_argument("--owner", type=address, required=True, metavar="EMAIL", help="the first owner's address")
        add_password_option(parser)

    def act(self, options: Mapping[str, Any]) -> Report:
        password = read_password(options, options["owner"])
        order = NewOrganization(options["name"], options["slug"], options["owner"], password)
        with self.noting_existing_account(options["owner"]):
            org, owner = create_org(order=order, actor=Actor.command("create_org"))
        return {"id": str(org.public_id), "slug": org.slug, "owner": owner.email}


# Django looks for this name
Command = CreateOrgCommand
