from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from orgs.audit import services as audit
from orgs.audit.services import AuditTarget
from orgs.base import credentials
from orgs.base.actor import Actor
from orgs.base.buffers import Buffer
from orgs.base.clock import now
from orgs.base.credentials import MintedSecret
from orgs.events import services as outbox
from orgs.people import queries as people
from orgs.tenancy.models import Organization, User
from scim.directories import queries
from scim.directories.errors import TooManyTokens
from scim.directories.models import Directory, ScimToken
from scim.directories.services.retirement import record_token, retire_token
from scim.directories.types import MAX_LIVE_TOKENS, TOKEN_CREATED, TOKEN_PREFIX, ScimCaller, TokenOrder, TokenState

USE_NOTED_EVERY = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class GeneratedToken:
    """`plain` is None when this form had made its token before: the secret can't be shown again."""

    token: ScimToken
    plain: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class TokenUse:
    org_id: int
    token_id: int
    at: datetime
    ip: str | None


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
        replaces=order.replaces,
        allowed_networks=list(order.allowed_networks),
    )
    record_token(token=token, actor=actor, action="scim_token.created")
    recipients = people.settings_addresses(directory.org)
    outbox.add_for_each(org=directory.org, kind=TOKEN_CREATED, key=str(token.public_id), recipients=recipients)
    return GeneratedToken(token, secret.plain)


@transaction.atomic
def rotate_token(
    *, token: ScimToken, order: TokenOrder, overlap: timedelta | None, actor: Actor, creator: User | None = None
) -> GeneratedToken:
    """Generate the token that takes this one's place; this one ends when `overlap` has passed, or as it would have.

    Raises TooManyTokens.
    """
    order = replace(order, replaces=token)
    made = generate_token(directory=token.directory, order=order, actor=actor, creator=creator)
    is_new = made.plain is not None
    if is_new and overlap is not None and queries.token_state(token) is TokenState.LIVE:
        retire_token(token=token, after=overlap, actor=actor)
    return made


@transaction.atomic
def confirm_saved(*, token: ScimToken) -> None:
    """Store that the admin has saved the token, so that the page stops reminding of it."""
    ScimToken.objects.filter(org_id=token.org_id, pk=token.pk, saved_at=None).update(saved_at=now())


def touch_last_used(*, caller: ScimCaller) -> None:
    """Store when and from where the caller's token was last used, exact to a minute. Nobody waits for it."""
    moment, token, ip = now(), caller.admission, caller.actor.ip
    is_recent = token.last_used_at is not None and moment - token.last_used_at < USE_NOTED_EVERY
    if is_recent and (token.last_used_ip or "") == ip:
        return
    uses.add(TokenUse(token.org_id, token.token_id, moment, ip or None))


def _write_uses(made: list[TokenUse]) -> int:
    """Store the last use of each token, in one order: two processes never wait crosswise."""
    latest = {use.token_id: use for use in made}
    for _, use in sorted(latest.items()):
        stale = Q(last_used_at=None) | Q(last_used_at__lt=use.at)
        ScimToken.objects.filter(stale, org_id=use.org_id, pk=use.token_id).update(
            last_used_at=use.at, last_used_ip=use.ip
        )
    return 0


uses = Buffer("token_uses", _write_uses)


def generate_rehearsal_token(*, directory: Directory, life: timedelta) -> MintedSecret:
    """Create a token for one rehearsal. Nobody is told: it leaves this process in no answer."""
    secret = credentials.mint(TOKEN_PREFIX)
    ScimToken.objects.create(
        org_id=directory.org_id,
        directory=directory,
        label="Rehearsal",
        is_rehearsal=True,
        prefix=secret.prefix,
        last4=secret.last4,
        digest=secret.digest,
        expires_at=now() + life,
    )
    return secret


def delete_rehearsal_tokens(*, directory: Directory) -> None:
    """Delete the tokens that rehearsals of this directory have left."""
    ScimToken.objects.filter(org_id=directory.org_id, directory=directory, is_rehearsal=True).delete()
