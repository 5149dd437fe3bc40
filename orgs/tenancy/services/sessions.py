"""What a browser session may reach: granted, extended, and ended."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction

from orgs.base.clock import now
from orgs.base.statements import number
from orgs.base.writes import Delete
from orgs.tenancy import queries
from orgs.tenancy.models import Membership, Organization, SessionGrant, User
from orgs.tenancy.types import IdpSession, SessionClient, SignInMethod

GRANTS_OF_MEMBERSHIP = Delete(
    lambda: SessionGrant.objects.filter(org_id=number("org"), membership_id=number("membership"))
)


@transaction.atomic
def open_personal_grants(*, user: User, session: UUID, method: SignInMethod, expires_at: datetime) -> int:
    """Grant a session with a personal proof each active membership of its account. Returns how many those are."""
    memberships = list(queries.active_memberships_of(user))
    grants = [
        SessionGrant(
            org_id=membership.org_id, membership=membership, session=session, method=method, expires_at=expires_at
        )
        for membership in memberships
    ]
    # as in grant_session: the newer proof replaces what this session had
    replaced = ["method", "expires_at", "connection", "session_index", "certificates"]
    SessionGrant.objects.bulk_create(
        grants, update_conflicts=True, unique_fields=["session", "membership"], update_fields=replaced
    )
    reached = [membership.pk for membership in memberships if membership.last_sign_in_at is None]
    if reached:
        Membership.objects.filter(user=user, pk__in=reached, last_sign_in_at=None).update(last_sign_in_at=now())
    return len(memberships)


def list_session(*, user: User, key: str, former_key: str | None, browser: SessionClient) -> None:
    """Name a session, whose key is new, on its account's page of sessions, instead of the one that it was before."""
    if former_key is not None:
        UserSession.objects.filter(session_key=former_key).delete()
    UserSession.objects.create(user=user, session_key=key, ip=browser.ip, user_agent=browser.user_agent[:200])


def grant_session(
    *,
    membership: Membership,
    session: UUID,
    method: SignInMethod,
    expires_at: datetime,
    idp: IdpSession | None = None,
    is_new: bool = False,
) -> None:
    """Grant the session this membership until `expires_at`; granting twice keeps one row, with the newer proof.

    A personal proof of the same session is worth more than an IdP's word, which doesn't replace it while it lives. One that
    is new has no grants, and its sign-in is noted by the caller.
    """
    if idp is not None and not is_new and queries.has_personal_grant(membership, session):
        return
    whose: dict[str, Any] = {"org_id": membership.org_id, "membership": membership, "session": session}
    idp, proof = idp or IdpSession(), dict[str, Any](method=method, expires_at=expires_at)
    proof |= {"connection": idp.connection, "session_index": idp.session_index}
    proof["certificates"] = " ".join(idp.certificates)
    if is_new:
        SessionGrant.objects.create(**whose | proof)
        return
    SessionGrant.objects.update_or_create(defaults=proof, **whose)
    # a membership that was reached is never removed as unused, whatever becomes of this row
    unreached = Membership.objects.filter(org_id=membership.org_id, pk=membership.pk, last_sign_in_at=None)
    unreached.update(last_sign_in_at=now())


def extend_personal_sessions(*, membership: Membership) -> None:
    """Grant a membership that has just become active to its person's sessions with a personal proof."""
    if membership.user is None:
        return
    for grant in queries.personal_sessions_of(membership.user):
        grant_session(
            membership=membership,
            session=grant.session,
            method=SignInMethod(grant.method),
            expires_at=grant.expires_at,
        )


def delete_session_grants(*, membership: Membership) -> int:
    """Delete all session grants of this membership. Returns how many there were."""
    return GRANTS_OF_MEMBERSHIP.run(org=membership.org_id, membership=membership.pk)


def delete_grants_of_connection(*, org: Organization, connection: UUID) -> int:
    """Delete the session grants that this connection opened. Returns how many there were."""
    deleted, _ = SessionGrant.objects.filter(org=org, connection=connection).delete()
    return deleted


def delete_grants_by_certificates(*, org: Organization, connection: UUID, fingerprints: Collection[str]) -> int:
    """Delete the grants of sessions that this connection opened by one of these certificates. Return how many there were."""
    deleted, _ = queries.grants_by_certificates(org, connection, fingerprints).delete()
    return deleted


def delete_expired_grants(*, before: datetime) -> int:
    """Delete the grants that ended before this time. Returns how many there were."""
    deleted, _ = SessionGrant.objects.filter(expires_at__lt=before).delete()
    return deleted


def delete_ended_sessions() -> int:
    """Delete sessions that have expired, and the records of sessions that are gone. Returns how many sessions there were."""
    deleted, _ = Session.objects.filter(expire_date__lt=now()).delete()
    UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()
    return deleted
