"""Signing a person in, or asking first when that would replace somebody else's session."""

from uuid import uuid4

from django.db import transaction

from orgs.base import credentials
from orgs.people import services as people
from orgs.people.errors import MembershipExists, MembershipUnknown
from orgs.tenancy import services as tenancy
from orgs.tenancy.errors import AddressInvalid, LastOwner
from orgs.tenancy.types import IdpSession, SignInMethod, Visitor
from sso.admission import queries as admission_queries
from sso.admission import services as admission
from sso.admission.errors import NotAMember
from sso.admission.types import Subject
from sso.attempts.types import OF_OTHER_PERSON, OF_QUESTION, AttemptOutcome
from sso.connections import services as connection_services
from sso.identity.errors import EmailInvalid
from sso.identity.profile import read_profile
from sso.identity.types import SignInCheck
from sso.signin import queries
from sso.signin.services.receive import PENDING_PREFIX, pending_of
from sso.signin.services.start import require_version
from sso.signin.types import QUESTION_LIFE, AlreadySignedIn, Flow, Question, SignedIn
from sso.signin_tests.models import SignInTest
from sso.signin_tests.services import SignInAttempt

Finished = SignedIn | SignInTest | Question | AlreadySignedIn | None


class ReplacesSession(Exception):
    """The sign-in would replace the session of somebody who hasn't agreed to that."""


def sign_in(attempt: SignInAttempt, flow: Flow, visitor: Visitor) -> SignedIn | Question | None:
    connection, claims = attempt.connection, attempt.known_claims
    chosen = require_version(connection, attempt.version)
    profile = read_profile(claims, admission_queries.attribute_names(connection, chosen))
    attempt.email = profile.email
    subject = Subject(connection, claims, profile, attempt.actor)
    found = admission_queries.membership_to_enter(connection, claims, profile.email)
    if visitor.user_id is not None and admission_queries.is_somebody_else(subject, found, visitor.user_id):
        return _ask_before_replacing(attempt, flow, visitor)
    try:
        attempt.membership = admission.admit(subject=subject, found=found)
        return _enter(attempt, subject, visitor, flow)
    except ReplacesSession:
        return _ask_before_replacing(attempt, flow, visitor)
    except (AddressInvalid, LastOwner, MembershipExists) as error:
        raise EmailInvalid(expected="an address that nobody else has here", received=profile.email) from error
    except MembershipUnknown as error:
        raise NotAMember(expected="a membership", received="one that was removed meanwhile") from error


def _ask_before_replacing(attempt: SignInAttempt, flow: Flow, visitor: Visitor) -> Question | None:
    """Leave the session in this browser as it is, and ask whether to replace it.

    An answer that nobody asked for may have been planted here: it is dropped, and the IdP is asked who this is.
    """
    if not attempt.known_claims.request_id:
        attempt.record(AttemptOutcome.RESTARTED, OF_OTHER_PERSON)
        return None
    handle = credentials.mint(PENDING_PREFIX)
    with transaction.atomic():
        pending = pending_of(attempt, handle, QUESTION_LIFE)
        pending.replaces_id, pending.email, pending.return_to = visitor.user_id, attempt.email, flow.return_to
        pending.save(force_insert=True)
        attempt.record(AttemptOutcome.ASKED, OF_QUESTION)
    return Question(pending.public_id, handle.plain, flow.request_id)


@transaction.atomic
def _enter(attempt: SignInAttempt, subject: Subject, visitor: Visitor, flow: Flow) -> SignedIn:
    """Connection and membership are held while they are looked at again.

    So no session is granted through what is turned off meanwhile, or to whom is suspended. Raises ConnectionOff and
    VersionChanged besides, and ReplacesSession when the membership has become another person's since it was looked at.
    """
    connection, claims = attempt.connection, attempt.known_claims
    require_version(connection_services.lock_connection(connection), attempt.version)
    membership = admission.confirm(membership=attempt.known_membership, subject=subject)
    user = admission_queries.require_person(membership)
    if visitor.user_id not in {None, user.pk}:
        raise ReplacesSession
    session_grant_id = (
        visitor.session_grant_id if visitor.session_grant_id is not None and visitor.user_id == user.pk else uuid4()
    )
    idp = IdpSession(connection.public_id, claims.session_index, claims.certificates)
    ends = queries.session_end(claims)
    tenancy.grant_session(
        membership=membership, session=session_grant_id, method=SignInMethod.SAML, expires_at=ends, idp=idp
    )
    people.record_membership_sign_in(membership=membership)
    attempt.record(AttemptOutcome.SIGNED_IN, tuple(SignInCheck))
    return SignedIn(user, membership, session_grant_id, flow.return_to, flow.request_id, claims.assertion_id)
