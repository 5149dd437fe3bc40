"""The answer to the question whether another person's session may be replaced."""

from contextlib import suppress

from django.db import transaction

from orgs.tenancy.types import Visitor
from sso.connections.models import Connection
from sso.identity.types import from_json
from sso.signin import queries
from sso.signin.errors import SignInUnfinished
from sso.signin.models import PendingSignIn
from sso.signin.services.enter import Finished, sign_in
from sso.signin.services.record import refusing
from sso.signin.types import FinishRequest, Flow, SignInFacts, VerifiedAnswer


def confirm_sign_in(*, connection: Connection, finish_request: FinishRequest) -> Finished:
    """Sign in the person of the question, or ask again when another one came. Raises SignInRefused, ConnectionUnknown."""
    with refusing(SignInFacts(connection, finish_request.caller)):
        pending = _take_question(connection, finish_request)
    answer = VerifiedAnswer(connection, finish_request.caller, pending.version, from_json(pending.claims))
    flow = Flow(connection.public_id, answer.claims.request_id, pending.return_to)
    # whoever was signed in here has agreed: from here on nobody is signed in in this browser
    has_agreed = finish_request.visitor.user_id == pending.replaces_id
    return sign_in(answer, flow, Visitor() if has_agreed else finish_request.visitor)


def decline_sign_in(*, connection: Connection, finish_request: FinishRequest) -> None:
    """Delete the sign-in about which was asked; the session in this browser stays as it is."""
    with suppress(SignInUnfinished):
        _take_question(connection, finish_request)


@transaction.atomic
def _take_question(connection: Connection, finish_request: FinishRequest) -> PendingSignIn:
    """Delete the sign-in about which was asked; it is this call's alone. Raises SignInUnfinished."""
    pending = queries.lock_pending(connection, finish_request.pending, finish_request.handle, is_question=True)
    if pending is None:
        raise SignInUnfinished
    pending.delete()
    return pending
