"""Where allauth's verification of addresses ends in the services of `orgs.tenancy`."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.stagekit import clear_login
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.shortcuts import redirect

from orgs.base.clock import now
from orgs.base.errors import DomainError
from orgs.base.text import address_key
from orgs.tenancy import queries
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import User

BROWSER_LENGTH = 200


class VerifyingAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Writes accounts and addresses by the services, and tells in each mail who asked for it."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_taken": "Another account has verified this address already. Sign in to that one.",
        "incorrect_code": "This code is wrong. Look into the newest message, or have a new code sent.",
        "invalid_password_reset": "This link doesn’t work any more. Ask for a new one.",
        "too_many_codes": "Too many wrong codes. Start again: a new code is sent to you.",
        "no_address": "This account has no email address any more. Sign in again to add one.",
    }

    def clean_email(self, email: str) -> str:
        """Raises ValidationError for what is no address, and for another spelling of one: that can't be a second account."""
        if email != address_key(email):
            raise ValidationError("Write this address in plain letters, without look-alikes.", code="spelling")
        try:
            tenancy.require_address(email)
        except DomainError as error:
            raise ValidationError(error.public, code=error.code) from error
        return email

    def sign_up(self, email: str, password: str) -> User:
        return tenancy.sign_up(email=email, password=password)

    def confirm_email(self, request: HttpRequest, email_address: Any) -> bool:
        """Record a verified address; allauth calls this once the code was right, with the request of `CodeView`."""
        context = {"email": email_address.email}
        mailed_at = request.code_mailed_at  # type: ignore[attr-defined]
        try:
            tenancy.mark_address_verified(user=email_address.user, address=email_address.email, mailed_at=mailed_at)
        except DomainError:
            self.add_message(request, messages.ERROR, "account/messages/email_confirmation_failed.txt", context)
            return False
        self.add_message(request, messages.SUCCESS, "account/messages/email_confirmed.txt", context)
        return True

    def set_password(self, user: User, password: str) -> None:
        """Write the password alone: an address may have changed since this account was read."""
        user.set_password(password)
        user.save(update_fields=["password"])

    def get_login_stages(self) -> list[str]:
        """Ask an account without any address for one, where allauth would mail a code to the address."""
        ours = {"allauth.account.stages.EmailVerificationStage": "portal.site.verification.stages.AddressStage"}
        return [ours.get(stage, stage) for stage in super().get_login_stages()]

    def login(self, request: HttpRequest, user: User) -> None:
        """Open the session, unless the account has lost its last address since this sign-in began."""
        if not queries.addresses_of(user):
            clear_login(request)
            self.add_message(request, messages.ERROR, message=self.error_messages["no_address"])
            raise ImmediateHttpResponse(redirect("account_login"))
        super().login(request, user)

    def send_confirmation_mail(self, request: HttpRequest, emailconfirmation: Any, signup: bool) -> None:
        """Mail a code; it names the account that asked, unless that is the sign-up itself."""
        address, user = emailconfirmation.email_address.email, emailconfirmation.email_address.user
        context = self.asked(request) | {
            "user": user,
            "code": emailconfirmation.key,
            "minutes": settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT // 60,
        }
        is_new = not queries.verified_keys_of(user) and bool(queries.addresses_of(user))
        template = "email_confirmation_signup" if is_new else "email_confirmation"
        self.send_mail(f"account/email/{template}", address, context)

    def send_account_already_exists_mail(self, email: str) -> None:
        self.send_mail("account/email/account_already_exists", email, self.asked(self.request))

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        is_unverified = queries.verified_at(user, email) is None
        more = self.asked(self.request) | {"is_unverified": is_unverified, "joined": user.date_joined}
        super().send_password_reset_mail(user, email, context | more)

    def asked(self, request: HttpRequest) -> dict[str, Any]:
        """Return when, from where and with which browser a mail was asked for."""
        browser = " ".join(self.get_http_user_agent(request).split())[:BROWSER_LENGTH]
        return {"timestamp": now(), "ip": self.get_client_ip(request), "user_agent": browser}
