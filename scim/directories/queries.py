from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import F, Q, QuerySet, Sum

from orgs.base.actor import Actor, ActorKind
from orgs.base.clock import now
from orgs.base.ids import read_uuid
from orgs.base.networks import is_in_one_of
from orgs.base.statements import Rows, number, uuid
from orgs.base.statements import text as parameter
from orgs.tenancy.models import Organization
from scim.directories.errors import DirectoryUnknown, TokenRefused, TokenUnknown
from scim.directories.models import Directory, DirectoryCount, ScimToken
from scim.directories.types import (
    ALERTED_AGAIN_AFTER,
    IN_USE_WITHIN,
    Admission,
    DirectoryState,
    ScimCaller,
    TokenSettings,
    TokenState,
)

COUNT = Rows(
    int,
    lambda: (
        DirectoryCount.objects.filter(org_id=number("org"), directory_id=number("directory"), kind=parameter("kind"))
        .order_by()
        .values("directory_id")
        .annotate(total=Sum("change"))
        .values_list("total")
    ),
)


def first_directory(org: Organization) -> Directory:
    """Return the directory that the organization was given at its setup. Raises DirectoryUnknown."""
    directory = Directory.objects.filter(org=org).select_related("org").order_by("id").first()
    if directory is None:
        raise DirectoryUnknown
    return directory


def find_by_public_id(text: str) -> Directory | None:
    """Return the directory that a SCIM Base URL names, or None when it names none."""
    public_id = read_uuid(text)
    return Directory.objects.filter(public_id=public_id).select_related("org").first()


def base_url(directory: Directory | ScimCaller) -> str:
    """Return the SCIM Base URL, without a slash at its end; it never depends on a request's headers."""
    return f"{settings.PUBLIC_BASE_URL}/scim/v2/{directory.public_id}"


def list_tokens(directory: Directory) -> QuerySet[ScimToken]:
    """Return every token of the directory, newest first, the live ones before the others."""
    tokens = ScimToken.objects.filter(org_id=directory.org_id, directory=directory, is_rehearsal=False)
    # PostgreSQL sorts what is empty last unless it is told
    return tokens.order_by(F("revoked_at").asc(nulls_first=True), "-id")


def live_tokens(directory: Directory) -> QuerySet[ScimToken]:
    """Return tokens that open the endpoint now."""
    unexpired = Q(expires_at=None) | Q(expires_at__gt=now())
    return list_tokens(directory).filter(unexpired, revoked_at=None)


def expiring_tokens(within: timedelta) -> QuerySet[ScimToken]:
    """Return tokens of every organization that end within this time: for the task that tells their admins."""
    moment = now()
    ending = ScimToken.objects.filter(
        is_rehearsal=False, revoked_at=None, expires_at__gt=moment, expires_at__lte=moment + within
    )
    return ending.filter(directory__state=DirectoryState.ACTIVE).select_related("directory__org").order_by("id")


def refused_tokens() -> QuerySet[ScimToken]:
    """Return tokens of every organization whose refused use its admins weren't told of, within the last week at least."""
    untold = Q(alerted_at=None) | Q(alerted_at__lt=F("refused_at") - ALERTED_AGAIN_AFTER)
    return (
        ScimToken.objects.filter(untold, refused_at__isnull=False, is_rehearsal=False)
        .select_related("directory__org")
        .order_by("id")
    )


def list_directories(ids: Iterable[int]) -> QuerySet[Directory]:
    """Return active directories of every organization by their primary keys."""
    return Directory.objects.filter(pk__in=ids, state=DirectoryState.ACTIVE).select_related("org").order_by("id")


def find_token(org: Organization, public_id: UUID) -> ScimToken:
    """Raises TokenUnknown."""
    try:
        return ScimToken.objects.select_related("directory__org").get(org=org, public_id=public_id, is_rehearsal=False)
    except ScimToken.DoesNotExist as error:
        raise TokenUnknown from error


def token_state(token: ScimToken | Admission) -> TokenState:
    """Say whether the token opens the endpoint, and if not, why."""
    if token.revoked_at is not None:
        return TokenState.REVOKED
    if token.expires_at is not None and token.expires_at <= now():
        return TokenState.EXPIRED
    return TokenState.LIVE


def token_settings(token: ScimToken) -> TokenSettings:
    """Return what the forms about a token show of it."""
    is_in_use = token.last_used_at is not None and now() - token.last_used_at < IN_USE_WITHIN
    return TokenSettings(token.label, tuple(token.allowed_networks), token.last_used_ip or "", is_in_use)


ADMISSION = Rows(
    Admission,
    lambda: ScimToken.objects.filter(digest=parameter("digest"), directory__public_id=uuid("directory")).values_list(
        "id",
        "public_id",
        "label",
        "last4",
        "expires_at",
        "revoked_at",
        "last_used_at",
        "last_used_ip",
        "allowed_networks",
        "is_rehearsal",
        "directory_id",
        "directory__public_id",
        "directory__state",
        "directory__listing",
        "org_id",
        "org__public_id",
        "org__slug",
        "org__name",
        "org__created_at",
    ),
)


def admit(*, directory: str, digest: str, ip: str, user_agent: str = "") -> ScimCaller:
    """Return whoever shows a live token of the directory that the URL names. One statement.

    Nothing is remembered, so a revoked token is refused from its commit on. Raises TokenRefused with the reason for the
    log, which is the same for a directory that isn't there and for a token of another one.
    """
    found = ADMISSION.first(digest=digest, directory=read_uuid(directory))
    if found is None:
        raise TokenRefused("Unknown token: it isn't one of this directory's")
    state = token_state(found)
    if state is not TokenState.LIVE:
        raise TokenRefused(f"{state.label} token: {found.label} (ends with {found.last4})", found)
    if found.allowed_networks and not is_in_one_of(found.allowed_networks, ip):
        raise TokenRefused(f"Address {ip} isn't allowed for the token: {found.label} (ends with {found.last4})", found)
    if found.directory_state != DirectoryState.ACTIVE:
        raise TokenRefused("This directory is disabled")
    actor = Actor(ActorKind.SCIM, reference=str(found.token_public_id), label=f"SCIM token {found.label}", ip=ip)
    return ScimCaller(found, actor, user_agent)


def kept_count(*, org_id: int, directory_id: int, kind: str) -> int | None:
    """Return how many users or groups (`kind`) a directory has, or None where the database doesn't keep the number."""
    if connection.vendor != "postgresql":
        return None
    return COUNT.first(org=org_id, directory=directory_id, kind=kind) or 0
