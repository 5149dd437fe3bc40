from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from orgs.base.actor import Actor, ActorKind
from orgs.invitations import services
from orgs.tenancy.access import OrgRequest


@require_POST
def use_for_new_account(request: OrgRequest, secret: str) -> HttpResponse:
    """Take the invited address from an account that isn't the reader's, and lead to where they create their own."""
    # who opens a mailed link is known by the mailbox alone, also when the browser is signed in
    actor = Actor(ActorKind.SYSTEM, label="Somebody with the invitation’s link", ip=request.client_ip)
    membership = services.free_address(secret=secret, visitor=request.user.pk, actor=actor)
    messages.success(request, f"{membership.email} can be used for a new account now.")
    page = reverse("people:invitation", args=[secret])
    if request.session_grants.is_signed_in:
        return redirect(page)
    return redirect(f"{reverse('account_signup')}?{urlencode({'next': page})}")
