"""allauth's forms, by our rule whose an address is: an account that hasn't verified it blocks nobody."""

from datetime import datetime, timedelta
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import (
    ConfirmEmailVerificationCodeForm,
    EmailAwarePasswordResetTokenGenerator,
    ResetPasswordForm,
    ResetPasswordKeyForm,
    SignupForm,
    UserTokenForm,
)
from allauth.account.internal.flows.email_verification import consume_email_verification_rate_limit
from allauth.account.internal.flows.password_reset import request_password_reset
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.ratelimit import respond_429
from django.contrib.auth.hashers import make_password
from django.utils.http import base36_to_int

from orgs.base.clock import now
from orgs.base.text import address_key
from orgs.tenancy import queries


class SignUpForm(SignupForm):  # type: ignore[misc]  # allauth has no types
    """Answers the same whether an address is free, claimed, or verified by an account."""

    def validate_unique_email(self, value: str) -> str:
        self.account_already_exists = queries.account_for_address(value) is not None
        return value

    def try_save(self, request: Any) -> tuple[Any, Any]:
        """Create the account, if the address may be sent a code: each new one could push an older one out (MOST_CLAIMS)."""
        if not consume_email_verification_rate_limit(request, self.cleaned_data["email"], dry_run=True):
            raise ImmediateHttpResponse(respond_429(request))
        if self.account_already_exists:
            # a new account costs one hash of its password: the time must not tell which it was
            make_password(self.cleaned_data["password1"])
        return super().try_save(request)  # type: ignore[no-any-return]

    def save(self, request: Any) -> Any:
        adapter = get_adapter(request)
        return adapter.sign_up(self.cleaned_data["email"], self.cleaned_data["password1"])


class CodeForm(ConfirmEmailVerificationCodeForm):  # type: ignore[misc]  # allauth has no types
    """Takes the code that was mailed to the address, unless another account has verified that meanwhile."""

    def clean_code(self) -> str:
        # not the parent's: it refuses an address that anybody claims
        code: str = super(ConfirmEmailVerificationCodeForm, self).clean_code()
        holder = queries.account_for_address(self.email)
        if holder is not None and holder != self.user:
            raise get_adapter().validation_error("email_taken")
        if self.user is None:
            raise get_adapter().validation_error("incorrect_code")
        return code


class AddressTokens(EmailAwarePasswordResetTokenGenerator):  # type: ignore[misc]  # allauth has no types
    """Makes and checks the tokens of reset links: each for one account, and for the address that it is mailed to."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address_key(address)

    def _make_hash_value(self, user: Any, timestamp: int) -> str:
        return f"{super()._make_hash_value(user, timestamp)}|{self.address}"


class AccountTokens:
    """Checks a token against each address of its account."""

    def check_token(self, user: Any, token: str) -> bool:
        return address_of(user, token) is not None


def address_of(user: Any, token: str) -> str | None:
    """Return to which address of the account the link with this token was mailed; None when the link isn't valid."""
    addresses = queries.addresses_of(user)
    return next((address for address in addresses if AddressTokens(address).check_token(user, token)), None)


def mailed_at(token: str) -> datetime:
    """Return when the mail with this token, which is a valid one, was asked for."""
    clock = AddressTokens("")
    asked = base36_to_int(token.partition("-")[0])
    return now() - timedelta(seconds=clock._num_seconds(clock._now()) - asked)  # noqa: SLF001 - Django's own clock of tokens


class AskResetForm(ResetPasswordForm):  # type: ignore[misc]  # allauth has no types
    """Mails one link: for the account that verified the address, else for one that claims it."""

    def clean_email(self) -> str:
        email: str = get_adapter().clean_email(self.cleaned_data["email"].lower())
        self.users = [account for account in queries.accounts_behind(email) if account.is_active][:1]
        return email

    def save(self, request: Any, **kwargs: Any) -> str:
        email: str = self.cleaned_data["email"]
        request_password_reset(request, email, self.users, AddressTokens(email))
        return email


class ResetLinkForm(UserTokenForm):  # type: ignore[misc]  # allauth has no types
    """Checks a link of a mail."""

    token_generator = AccountTokens()


class NewPasswordForm(ResetPasswordKeyForm):  # type: ignore[misc]  # allauth has no types
    """The new password; `address` is where the link was mailed to, and `mailed_at` when."""

    def clean(self) -> Any:
        cleaned = super().clean()
        self.address = address_of(self.user, self.temp_key)
        if self.address is None:
            raise get_adapter().validation_error("invalid_password_reset")
        self.mailed_at = mailed_at(self.temp_key)
        return cleaned
