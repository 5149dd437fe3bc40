from typing import Any

from allauth.account.stages import EmailVerificationStage
from django.shortcuts import redirect

from orgs.tenancy import queries


class AddressStage(EmailVerificationStage):  # type: ignore[misc]  # allauth has no types
    """Holds a sign-in until the account has a verified address: asks for one where it has lost its last.

    Until the code is right nobody is signed in, so the sign-in opens nothing else.
    """

    def handle(self) -> tuple[Any, bool]:
        if self.login.user is not None and not queries.addresses_of(self.login.user):
            return redirect("account_add_address"), True
        handled: tuple[Any, bool] = super().handle()
        return handled
