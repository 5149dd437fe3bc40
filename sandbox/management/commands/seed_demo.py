"""`manage.py seed_demo`: the demo's organizations in this database, once."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError

from portal.management.command import OperatorCommand, Report
from sandbox.cast import ACCOUNTS, EMPTYCO, NORTHWIND, PASSWORD
from sandbox.processes import CannotStart
from sandbox.seeds import seed


class SeedDemoCommand(OperatorCommand):
    """Seeding twice changes nothing. Refused by production settings."""

    help = "Fill the database with the demo: Northwind Labs, which is live, and Empty Co, where nothing is set up."

    def act(self, options: Mapping[str, Any]) -> Report:
        try:
            is_new = seed()
        except (ImproperlyConfigured, CannotStart) as error:
            raise CommandError(str(error)) from error
        accounts = [asdict(account) for account in ACCOUNTS]
        slugs = [NORTHWIND.slug, EMPTYCO.slug]
        return {"seeded": is_new, "organizations": slugs, "accounts": accounts, "password": PASSWORD}

    def describe(self, report: Report) -> str:
        first = "The demo is there." if report["seeded"] else "The demo was there already; nothing was changed."
        lines = [f"  {account['email']:<26} {account['sees']}" for account in report["accounts"]]
        return "\n".join([first, f"Everybody's password is {report['password']}:", *lines])


# Django looks for this name
Command = SeedDemoCommand
