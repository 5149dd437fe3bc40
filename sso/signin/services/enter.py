"""Signing a person in, or asking first when that would replace somebody else's session."""

from dataclasses import dataclass, replace
from uuid import uuid4

from django.db import transaction

from orgs.base import credentials
from orgs.people import services as people
from orgs.people.errors import MembershipExists, MembershipUnknown
from orgs.tenancy import services as tenancy
from orgs.tenancy.errors import AddressInvalid, LastOwner
from orgs.tenancy.models import Membership
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
from sso.signin.services.record import record, refusing
from sso.signin.services.start import require_version
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


class ReplacesSession(Exception):
    """The sign-in would replace the session of somebody who hasn't agreed to that."""


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
        chosen = require_version(connection, answer.version)
        profile = read_profile(answer.claims, admission_queries.attribute_names(connection, chosen))
    facts = replace(facts, email=profile.email)
    subject = Subject(connection, answer.claims, profile, facts.actor)
    with refusing(facts):
        return _sign_in(Entry(answer, subject, facts, flow, visitor))


def _sign_in(entry: Entry) -> SignedIn | Question | None:
    subject, visitor = entry.subject, entry.visitor
    email = subject.profile.email
    found = admission_queries.membership_to_enter(subject.connection, subject.claims, email)
    if visitor.user_id is not None and admission_queries.is_somebody_else(subject, found, visitor.user_id):
        return _ask_before_replacing(entry)
    try:
        return _enter(entry, admission.admit(subject=subject, found=found))
    except ReplacesSession:
        return _ask_before_replacing(entry)
    except (AddressInvalid, LastOwner, MembershipExists) as error:
        raise EmailInvalid(expected="an address that nobody else has here", received=email) from error
    except MembershipUnknown as error:
        raise NotAMember(expected="a membership", received="one that was removed meanwhile") from error


def _ask_before_replacing(entry: Entry) -> Question | None:
    """Leave the session in this browser as it is, and ask whether to replace it.

    An answer that nobody asked for may have been planted here: it is dropped, and the IdP is asked who this is.
    """
    if not entry.subject.claims.request_id:
        record(entry.facts, AttemptOutcome.RESTARTED, OF_OTHER_PERSON)
        return None
    handle = credentials.mint(PENDING_PREFIX)
    with transaction.atomic():
        pending = pending_of(entry.answer, handle, QUESTION_LIFE)
        pending.replaces_id, pending.email = entry.visitor.user_id, entry.facts.email
        pending.return_to = entry.flow.return_to
        pending.save(force_insert=True)
        record(entry.facts, AttemptOutcome.ASKED, OF_QUESTION)
    return Question(pending.public_id, handle.plain, entry.flow.request_id)


@transaction.atomic
def _enter(entry: Entry, admitted: Membership) -> SignedIn:
    """Connection and membership are held while they are looked at again.

    So no session is granted through what is turned off meanwhile, or to whom is suspended. Raises ConnectionOff and
    VersionChanged besides, and ReplacesSession when the membership has become another person's since it was looked at.
    """
    subject, visitor, flow = entry.subject, entry.visitor, entry.flow
    connection, claims = subject.connection, subject.claims
    require_version(connection_services.lock_connection(connection), entry.answer.version)
    membership = admission.confirm(membership=admitted, subject=subject)
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
    record(entry.facts, AttemptOutcome.SIGNED_IN, tuple(SignInCheck), membership=membership)
    return SignedIn(user, membership, session_grant_id, flow.return_to, flow.request_id, claims.assertion_id)
