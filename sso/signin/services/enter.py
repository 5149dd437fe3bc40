"""Signing a person in, or asking first when that would replace somebody else's session."""

from dataclasses import dataclass, replace
from uuid import uuid4

from django.db import transaction

from orgs.base import credentials
from orgs.people import services as people
from orgs.people.errors import MembershipExists, MembershipUnknown
from orgs.tenancy import services as tenancy
from orgs.tenancy.errors import AddressInvalid, LastOwner
from orgs.tenancy.models import Membership, User
from orgs.tenancy.types import IdpSession, SignInMethod, Visitor
from sso.admission import queries as admission_queries
from sso.admission import services as admission
from sso.admission.errors import NotAMember, SubjectChanged
from sso.admission.types import Subject
from sso.attempts.types import OF_OTHER_PERSON, OF_QUESTION, AttemptOutcome
from sso.connections import queries as connections
from sso.identity.errors import EmailInvalid
from sso.identity.profile import read_profile
from sso.identity.types import SignInCheck
from sso.signin import queries
from sso.signin.services.receive import PENDING_PREFIX, pending_of
from sso.signin.services.record import record, refusing
from sso.signin.types import (
    QUESTION_LIFE,
    AlreadySignedIn,
    Flow,
    Question,
    SignedIn,
    SignInFacts,
    VerifiedAnswer,
)
from sso.signin_tests.models import SignInTest

Finished = SignedIn | SignInTest | Question | AlreadySignedIn | None


class MustBeAdmitted(Exception):
    """Nobody has this membership yet, or it doesn't exist."""

    def __init__(self, membership: Membership | None) -> None:
        self.membership = membership
        super().__init__("must be admitted")


@dataclass(frozen=True, slots=True)
class Entry:
    """A person of a verified answer, the browser that brought it, and what that remembers of the request."""

    answer: VerifiedAnswer
    subject: Subject
    facts: SignInFacts
    flow: Flow
    visitor: Visitor


def sign_in(answer: VerifiedAnswer, flow: Flow, visitor: Visitor) -> SignedIn | Question | None:
    """Sign the person of the answer in, or ask; None means: start afresh. Raises SignInRefused."""
    connection, facts = answer.connection, answer.facts
    with refusing(facts):
        chosen = queries.require_version(connection, answer.version)
        profile = read_profile(answer.claims, admission_queries.attribute_names(connection, chosen))
    facts = replace(facts, email=profile.email)
    subject = Subject(connection, answer.claims, profile, facts.actor)
    with refusing(facts):
        return _sign_in(Entry(answer, subject, facts, flow, visitor))


def _sign_in(entry: Entry) -> SignedIn | Question | None:
    """Enter, or be admitted first: that stands by itself, whatever becomes of the sign-in."""
    email = entry.subject.profile.email
    try:
        try:
            return _enter(entry)
        except MustBeAdmitted as missing:
            return _enter(entry, admission.admit(subject=entry.subject, found=missing.membership))
    except (AddressInvalid, LastOwner, MembershipExists) as error:
        raise EmailInvalid(expected="an address that nobody else has here", received=email) from error
    except MembershipUnknown as error:
        raise NotAMember(expected="a membership", received="one that was removed meanwhile") from error


def _ask_before_replacing(entry: Entry) -> Question | None:
    """Leave the session in this browser as it is, and ask whether to replace it; in the caller's transaction.

    An answer that nobody asked for may have been planted here: it is dropped, and the IdP is asked who this is.
    """
    if not entry.subject.claims.request_id:
        record(entry.facts, AttemptOutcome.RESTARTED, OF_OTHER_PERSON)
        return None
    handle = credentials.mint(PENDING_PREFIX)
    pending = pending_of(entry.answer, handle, QUESTION_LIFE)
    pending.replaces_id, pending.email = entry.visitor.user_id, entry.facts.email
    pending.return_to = entry.flow.return_to
    pending.save(force_insert=True)
    record(entry.facts, AttemptOutcome.ASKED, OF_QUESTION)
    return Question(pending.public_id, handle.plain, entry.flow.request_id)


@transaction.atomic
def _enter(entry: Entry, admitted: Membership | None = None) -> SignedIn | Question | None:
    """Open a session, or ask. Connection, domains and membership are held, in this order, while all else is decided.

    So no session is granted through what is turned off meanwhile, or to whom is suspended. Raises ConnectionOff,
    VersionChanged, what `membership_to_enter` raises, and MustBeAdmitted.
    """
    subject, visitor = entry.subject, entry.visitor
    queries.require_version(connections.lock_connection(subject.connection), entry.answer.version)
    found = admission_queries.read_candidates(subject.connection, subject.claims, subject.profile.email)
    verified = admission_queries.lock_domains(found)
    membership = admission_queries.membership_to_enter(found, verified)
    if visitor.user_id is not None and admission_queries.is_somebody_else(subject, membership, visitor.user_id):
        return _ask_before_replacing(entry)
    if admitted is not None and membership != admitted:
        raise SubjectChanged(expected=admitted.email, received=subject.profile.email)
    if membership is None or (membership.user is None and admitted is None):
        raise MustBeAdmitted(membership)
    held = admission.hold(found, verified, membership)
    user = admission_queries.require_person(held)
    if visitor.user_id not in {None, user.pk}:
        return _ask_before_replacing(entry)
    admission.confirm(found=found, membership=held, subject=subject)
    return _open_session(entry, held, user)


def _open_session(entry: Entry, membership: Membership, user: User) -> SignedIn:
    """Grant the session its membership: one that this browser has for the same person already, or a new one."""
    claims, visitor, flow = entry.subject.claims, entry.visitor, entry.flow
    idp = IdpSession(entry.subject.connection.public_id, claims.session_index, claims.certificates)
    known = visitor.session_grant_id if visitor.user_id == user.pk else None
    session = known or uuid4()
    tenancy.grant_session(
        membership=membership,
        session=session,
        method=SignInMethod.SAML,
        expires_at=queries.session_end(claims),
        idp=idp,
        is_new=known is None,
    )
    people.record_membership_sign_in(membership=membership)
    record(entry.facts, AttemptOutcome.SIGNED_IN, tuple(SignInCheck), membership=membership)
    return SignedIn(user, membership, session, flow.return_to, flow.request_id, claims.assertion_id)
