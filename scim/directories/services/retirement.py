"""How a token ends, and what changes about it before."""

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from orgs.audit import services as audit
from orgs.audit.services import AuditTarget, Change
from orgs.base.actor import Actor
from orgs.base.clock import now
from scim.directories import queries
from scim.directories.errors import TokenEnded
from scim.directories.models import ScimToken
from scim.directories.types import TokenState, notice_due


@transaction.atomic
def revoke_token(*, token: ScimToken, actor: Actor) -> None:
    """Revoke the token from this commit on; revoking it twice changes nothing."""
    revoked = ScimToken.objects.filter(org_id=token.org_id, pk=token.pk, revoked_at=None).update(revoked_at=now())
    if revoked:
        record_token(token=token, actor=actor, action="scim_token.revoked")


@transaction.atomic
def retire_token(*, token: ScimToken, after: timedelta, actor: Actor) -> None:
    """Let the token end after this time, unless it ends before that anyway. Raises TokenEnded."""
    _require_live(token)
    ends_at = now() + after
    later = Q(expires_at=None) | Q(expires_at__gt=ends_at)
    changed = ScimToken.objects.filter(later, org_id=token.org_id, pk=token.pk, revoked_at=None).update(
        expires_at=ends_at, noticed_days=notice_due(after)
    )
    if changed:
        before = token.expires_at.isoformat() if token.expires_at else None
        token.expires_at = ends_at
        record_token(token=token, actor=actor, action="scim_token.retired", before={"expires_at": before})


@transaction.atomic
def change_token(*, token: ScimToken, label: str, networks: Sequence[str], actor: Actor) -> None:
    """Rename the token, and say from which networks it opens the directory; no network means from everywhere.

    Raises TokenEnded.
    """
    _require_live(token)
    before = {"label": token.label, "allowed_networks": token.allowed_networks}
    token.label, token.allowed_networks = label, list(networks)
    after = {"label": token.label, "allowed_networks": token.allowed_networks}
    if after == before:
        return
    ScimToken.objects.filter(org_id=token.org_id, pk=token.pk).update(**after)
    audit.record(
        org=token.directory.org,
        actor=actor,
        action="scim_token.changed",
        target=AuditTarget("scim_token", str(token.public_id), token.label),
        change=Change(before, after),
    )


def record_token(*, token: ScimToken, actor: Actor, action: str, before: dict[str, str | None] | None = None) -> None:
    """Add what happened to a token to the audit log, in the caller's transaction."""
    expires = token.expires_at.isoformat() if token.expires_at else None
    audit.record(
        org=token.directory.org,
        actor=actor,
        action=action,
        target=AuditTarget("scim_token", str(token.public_id), token.label),
        change=Change(before=before or {}, after={"last4": token.last4, "expires_at": expires}),
    )


def _require_live(token: ScimToken) -> None:
    """Lock the token. Raises TokenEnded."""
    ScimToken.objects.select_for_update(of=("self",)).filter(org_id=token.org_id, pk=token.pk).first()
    token.refresh_from_db(fields=["label", "allowed_networks", "expires_at", "revoked_at"])
    if queries.token_state(token) is not TokenState.LIVE:
        raise TokenEnded
