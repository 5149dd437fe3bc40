from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from orgs.base import credentials
from orgs.base.clock import now
from orgs.base.text import address_domain
from orgs.domains import queries as domains
from sso.connections import queries as connections
from sso.connections.models import Connection
from sso.saml.errors import AssertionExpired
from sso.saml.reading import stamp
from sso.saml.types import DEFAULT_SKEW, Claims
from sso.signin.models import PendingSignIn


def lock_pending(connection: Connection, public_id: UUID, handle: str) -> PendingSignIn | None:
    """Return the sign-in that waits for the browser with this handle, held until the transaction ends."""
    found = (
        PendingSignIn.objects.select_for_update(of=("self",))
        .select_related("test__configuration__connection__org")
        .filter(org_id=connection.org_id, connection=connection, public_id=public_id, expires_at__gt=now())
        .first()
    )
    return found if found is not None and credentials.matches(handle, found.handle_digest) else None


def connection_for(address: str) -> Connection | None:
    """Return the connection to which an address leads by its domain alone: whether anybody has it isn't looked at."""
    org = domains.verified_domain_org(address_domain(address))
    return connections.default_connection(org) if org is not None else None


def session_end(claims: Claims) -> datetime:
    """Return when the session ends: when ours would, or earlier when the IdP says so, whose clock may be behind.

    Raises AssertionExpired when it would have ended before it began (SAML Core §2.7.2).
    """
    moment, ours = now(), timedelta(seconds=settings.SESSION_COOKIE_AGE)
    if claims.session_expires_at is None:
        return moment + ours
    # left, not until: an IdP's "for ever" is the last moment that there is
    left = claims.session_expires_at - moment + DEFAULT_SKEW
    if left <= timedelta():
        raise AssertionExpired(expected=f"a session after {stamp(moment)}", received=stamp(claims.session_expires_at))
    return moment + min(ours, left)
