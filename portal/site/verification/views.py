"""allauth's pages on which an account verifies, chooses and loses its addresses."""

from datetime import UTC, datetime
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import AddEmailForm
from allauth.account.internal.flows.password_reset import finalize_password_reset
from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from allauth.account.stages import EmailVerificationStage, LoginStageController
from allauth.account.views import ConfirmEmailVerificationCodeView, EmailView, PasswordResetFromKeyView
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe
from django.views.generic import FormView

from orgs.base.errors import DomainError
from orgs.tenancy import queries
from orgs.tenancy import services as tenancy
from portal.site.verification.forms import address_of


class AddressesView(EmailView):  # type: ignore[misc]  # allauth has no types
    """The account's addresses: add, verify, remove, choose the primary one."""

    def _action_primary(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse | None:
        raise_if_reauthentication_required(request, app="allauth.account")
        address, user, adapter = self._get_email_address(request), self.request.user, get_adapter(request)
        if address is None or address.primary:
            return None
        former = user.email
        try:
            tenancy.set_primary_address(user=user, address=address.email)
        except DomainError as problem:
            adapter.add_message(request, messages.ERROR, message=problem.public)
            return None
        adapter.add_message(request, messages.SUCCESS, "account/messages/primary_email_set.txt")
        if former:
            context = {"from_email": former, "to_email": address.email}
            adapter.send_notification_mail("account/email/email_changed", user, context, email=former)
        return None

    def _action_remove(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse | None:
        raise_if_reauthentication_required(request, app="allauth.account")
        address, adapter = self._get_email_address(request), get_adapter(request)
        if address is None:
            return None
        context = {"email": address.email, "deleted_email": address.email}
        if not adapter.can_delete_email(address):
            adapter.add_message(request, messages.ERROR, "account/messages/cannot_delete_primary_email.txt", context)
            return None
        tenancy.remove_account_address(user=self.request.user, address=address.email)
        adapter.add_message(request, messages.SUCCESS, "account/messages/email_deleted.txt", context)
        adapter.send_notification_mail("account/email/email_deleted", self.request.user, context)
        return None


class CodeView(ConfirmEmailVerificationCodeView):  # type: ignore[misc]  # allauth has no types
    """Takes the mailed code, in the browser session that asked for it."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # a sign-up with a known address has no account behind its page, which must not outlive the others
        is_waiting = LoginStageController.enter(request, EmailVerificationStage.key) is not None
        if request.user.is_anonymous and not is_waiting:
            return redirect("account_login")
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    def _verify_form_valid(self, form: Any) -> HttpResponseBase:
        # the adapter, which allauth calls from here, gets neither the code nor its time
        self.request.code_mailed_at = datetime.fromtimestamp(self._process.state["at"], UTC)
        response: HttpResponseBase = super()._verify_form_valid(form)
        return response

    def _verify_form_invalid(self, form: Any) -> HttpResponse:
        if self._process.record_invalid_attempt():
            return self.render_to_response(self.get_context_data(form=form))  # type: ignore[no-any-return]
        adapter = get_adapter(self.request)
        adapter.add_message(self.request, messages.ERROR, message=adapter.error_messages["too_many_codes"])
        return redirect("account_email" if self.request.user.is_authenticated else "account_login")


class AddAddressView(FormView):  # type: ignore[type-arg]  # Django's takes none at run time
    """Takes an address for the account of a sign-in that waits because the account has lost its last one."""

    template_name = "account/add_address.html"
    form_class = AddEmailForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        stage = LoginStageController.enter(request, EmailVerificationStage.key)
        self.account = stage and stage.login.user
        if self.account is None or queries.addresses_of(self.account):
            return redirect("account_login")
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"user": self.account}

    def form_valid(self, form: Any) -> HttpResponse:
        form.save(self.request)
        return redirect("account_email_verification_sent")


class ResetPasswordView(PasswordResetFromKeyView):  # type: ignore[misc]  # allauth has no types
    """Sets the password of the account that a mailed link names. To open the link changes nothing."""

    def logout(self) -> None:
        """End the session of another account when the password is set; allauth would do it when the link is opened."""
        if self.request.method == "POST":
            super().logout()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        if self.reset_user is not None:
            address = address_of(self.reset_user, self.key)
            is_verified = address is not None and queries.verified_at(self.reset_user, address) is not None
            context |= {"account": self.reset_user, "address": address, "is_unverified": not is_verified}
        return context

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            tenancy.reset_password(
                user=self.reset_user,
                address=form.address,
                password=form.cleaned_data["password1"],
                mailed_at=form.mailed_at,
            )
        except DomainError as problem:
            form.add_error(None, problem.public)
            return self.form_invalid(form)  # type: ignore[no-any-return]
        finalize_password_reset(self.request, self.reset_user)
        return redirect(self.get_success_url())


@require_safe
def old_confirmation_link(request: HttpRequest, key: str) -> HttpResponse:
    """Explain that links verify no address."""
    return render(request, "account/email_confirm.html", status=410)
