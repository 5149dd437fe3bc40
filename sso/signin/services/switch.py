"""The answer to the question whether another person's session may be replaced."""

from contextlib import suppress

from django.db import transaction

from orgs.tenancy.types import Visitor
from sso.connections.models import Connection
from sso.saml.claims import from_json
from sso.saml.errors import SamlError
from sso.signin import queries
from sso.signin.errors import SignInUnfinished
from sso.signin.models import PendingSignIn
from sso.signin.services.enter import Finished, sign_in
from sso.signin.types import Flow, Return
from sso.signin_tests.services import Attempt


def confirm_sign_in(*, connection: Connection, back: Return) -> Finished:
    """Sign in the person of the question, or ask again when another one came. Raises SignInRefused, ConnectionUnknown."""
    attempt = Attempt(connection, back.caller)
    try:
        pending = _take_question(connection, back)
        attempt.claims, attempt.version = from_json(pending.claims), pending.version
        flow = Flow(connection.public_id, attempt.claims.in_response_to, pending.return_to)
        # whoever was signed in here has agreed: from here on nobody is signed in in this browser
        has_agreed = back.visitor.user_id == pending.replaces_id
        return sign_in(attempt, flow, Visitor() if has_agreed else back.visitor)
    except SamlError as problem:
        raise attempt.refuse(problem) from problem


def decline_sign_in(*, connection: Connection, back: Return) -> None:
    """Delete the sign-in about which was asked; the session in this browser stays as it is."""
    with suppress(SignInUnfinished):
        _take_question(connection, back)


@transaction.atomic
def _take_question(connection: Connection, back: Return) -> PendingSignIn:
    """Delete the sign-in about which was asked; it is this call's alone. Raises SignInUnfinished."""
    pending = queries.lock_pending(connection, back.pending, back.handle, is_question=True)
    if pending is None:
        raise SignInUnfinished
    pending.delete()
    return pending
