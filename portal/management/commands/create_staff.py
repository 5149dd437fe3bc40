"""`manage.py create_staff`: the first support account."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.urls import reverse

from orgs.tenancy.services import create_staff
from portal.management.command import OperatorCommand, Report, add_password_option, address, read_password


class CreateStaffCommand(OperatorCommand):
    """An account that has verified this address already becomes staff, and keeps its password."""

    help = "Create a support account. It has to set up a second factor at its first sign-in."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("email", type=address, help="the support person's address")
        add_password_option(parser)

    def act(self, options: Mapping[str, Any]) -> Report:
        password = read_password(options, options["email"])
        with self.noting_existing_account(options["email"]):
            user, is_new = create_staff(email=options["email"], password=password)
        return {
            "email": user.email,
            "created": is_new,
            "admin_url": settings.PUBLIC_BASE_URL + reverse("admin:index"),
            "password_url": "" if user.has_usable_password() else self.reset_url(),
        }

    def describe(self, report: Report) -> str:
        lines = [f"{report['email']} {'is' if report['created'] else 'had an account and is now'} support staff."]
        if report["password_url"]:
            lines.append(f"Set a password by the mail that {report['password_url']} sends.")
        lines.append(f"The first sign-in at {report['admin_url']} asks for a second factor.")
        return "\n".join(lines)

    def reset_url(self) -> str:
        return f"{settings.PUBLIC_BASE_URL}{reverse('account_reset_password')}"


# Django looks for this name
Command = CreateStaffCommand
