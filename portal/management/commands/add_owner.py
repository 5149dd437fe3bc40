"""`manage.py add_owner`: an owner for an organization of which no owner can sign in any more."""

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from orgs.base.actor import Actor
from portal.management.command import (
    OperatorCommand,
    Report,
    add_account_options,
    address,
    organization,
    read_password,
)
from portal.setup import NewOwner, add_owner


class AddOwnerCommand(OperatorCommand):
    """An account that has the address already becomes the owner if --existing-account says so, and keeps its password."""

    help = "Add an owner to an organization in which no owner can sign in. Their address counts as verified."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug", help="the organization's short name")
        parser.add_argument("email", type=address, help="the new owner's address")
        add_account_options(parser)

    def act(self, options: Mapping[str, Any]) -> Report:
        org = organization(options["slug"])
        password = read_password(options, options["email"])
        order = NewOwner(options["email"], password, takes_account=options["existing_account"])
        owner, is_new = add_owner(org=org, order=order, actor=Actor.command("add_owner"))
        self.note_kept_password(owner, password)
        return {"slug": org.slug, "owner": options["email"], "created": is_new}


# Django looks for this name
Command = AddOwnerCommand
