from dataclasses import dataclass, field
from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from orgs.audit import services as audit
from orgs.audit.services import AuditTarget, Change
from orgs.base import credentials
from orgs.base.actor import Actor
from orgs.base.clock import now
from orgs.events import services as outbox
from orgs.people import queries as people
from orgs.tenancy.models import Organization, User
from scim.directories import queries
from scim.directories.errors import TooManyTokens
from scim.directories.models import Directory, ScimToken
from scim.directories.types import MAX_LIVE_TOKENS, TOKEN_CREATED, TOKEN_PREFIX, TokenOrder

USE_NOTED_EVERY = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class GeneratedToken:
    """`plain` is None when this form had made its token before: the secret can't be shown again."""

    token: ScimToken
    plain: str | None = field(repr=False)


@transaction.atomic
def create_directory(*, org: Organization, actor: Actor) -> Directory:
    """Create a directory, which is the organization's SCIM Base URL."""
    directory = Directory.objects.create(org=org)
    audit.record(
        org=org, actor=actor, action="directory.created", target=AuditTarget("directory", str(directory.public_id))
    )
    return directory


@transaction.atomic
def generate_token(
    *, directory: Directory, order: TokenOrder, actor: Actor, creator: User | None = None
) -> GeneratedToken:
    """Create a token and mail the organization's owners and admins a notice. Raises TooManyTokens."""
    Directory.objects.select_for_update().get(org_id=directory.org_id, pk=directory.pk)
    made_before = queries.list_tokens(directory).filter(nonce=order.nonce).first()
    if made_before is not None:
        return GeneratedToken(made_before, None)
    if queries.live_tokens(directory).count() >= MAX_LIVE_TOKENS:
        raise TooManyTokens
    secret = credentials.mint(TOKEN_PREFIX)
    token = ScimToken.objects.create(
        org_id=directory.org_id,
        directory=directory,
        label=order.label,
        prefix=secret.prefix,
        last4=secret.last4,
        digest=secret.digest,
        nonce=order.nonce,
        created_by=creator,
        created_by_label=actor.label[:254],
        expires_at=now() + order.expires_in if order.expires_in else None,
    )
    _record(token, directory, actor, "scim_token.created")
    recipients = people.settings_addresses(directory.org)
    outbox.add_for_each(org=directory.org, kind=TOKEN_CREATED, key=str(token.public_id), recipients=recipients)
    return GeneratedToken(token, secret.plain)


@transaction.atomic
def confirm_saved(*, token: ScimToken) -> None:
    """Store that the admin has saved the token, so that the page stops reminding of it."""
    ScimToken.objects.filter(org_id=token.org_id, pk=token.pk, saved_at=None).update(saved_at=now())


@transaction.atomic
def revoke_token(*, token: ScimToken, actor: Actor) -> None:
    """Revoke the token from this commit on; revoking it twice changes nothing."""
    revoked = ScimToken.objects.filter(org_id=token.org_id, pk=token.pk, revoked_at=None).update(revoked_at=now())
    if revoked:
        _record(token, token.directory, actor, "scim_token.revoked")


def touch_last_used(*, token: ScimToken, ip: str) -> None:
    """Store when and from where the token was last used, exact to a minute."""
    moment = now()
    is_recent = token.last_used_at is not None and moment - token.last_used_at < USE_NOTED_EVERY
    if is_recent and (token.last_used_ip or "") == ip:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lt=moment)
    ScimToken.objects.filter(stale, org_id=token.org_id, pk=token.pk).update(
        last_used_at=moment, last_used_ip=ip or None
    )


def _record(token: ScimToken, directory: Directory, actor: Actor, action: str) -> None:
    expires = token.expires_at.isoformat() if token.expires_at else None
    audit.record(
        org=directory.org,
        actor=actor,
        action=action,
        target=AuditTarget("scim_token", str(token.public_id), token.label),
        change=Change(after={"last4": token.last4, "expires_at": expires}),
    )
