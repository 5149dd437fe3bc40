import re
import secrets

from django.db import IntegrityError, transaction

from orgs.audit import services as audit
from orgs.base.actor import Actor
from orgs.base.clock import now
from orgs.base.text import domain_key
from orgs.domains.errors import DomainInvalid, DomainIsPublic, DomainTaken
from orgs.domains.models import Domain
from orgs.domains.types import DomainState
from orgs.tenancy.models import Organization

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)+(?!\d+$){_LABEL}")
PUBLIC_MAIL = frozenset(
    [
        "gmail.com",
        "googlemail.com",
        "outlook.com",
        "hotmail.com",
        "live.com",
        "msn.com",
        "yahoo.com",
        "ymail.com",
        "icloud.com",
        "me.com",
        "mac.com",
        "aol.com",
        "gmx.com",
        "gmx.net",
        "gmx.de",
        "web.de",
        "mail.com",
        "mail.ru",
        "yandex.com",
        "yandex.ru",
        "proton.me",
        "protonmail.com",
        "pm.me",
        "zoho.com",
        "fastmail.com",
        "hey.com",
        "tutanota.com",
        "qq.com",
        "163.com",
        "126.com",
    ]
)


def domain_name(text: str) -> str:
    """Return the ASCII form of a domain name (RFC 5891). Raises DomainInvalid, DomainIsPublic."""
    try:
        name = domain_key(text)
    except ValueError as error:
        raise DomainInvalid from error
    if len(name) > 253 or not _NAME.fullmatch(name):
        raise DomainInvalid
    if name in PUBLIC_MAIL:
        raise DomainIsPublic
    return name


@transaction.atomic
def add_domain(*, org: Organization, name: str, actor: Actor) -> Domain:
    """The organisation says that a domain is its own; adding it twice returns the first. Raises DomainInvalid, DomainIsPublic."""
    name = domain_name(name)
    domain, is_new = Domain.objects.get_or_create(
        org=org, name_key=name, defaults={"name": name, "txt_token": secrets.token_hex(16)}
    )
    if is_new:
        audit.record(org=org, actor=actor, action="domain.added", target=_target(domain))
    return domain


@transaction.atomic
def mark_verified(*, domain: Domain, actor: Actor) -> None:
    """The domain counts as proved, by this organisation alone. Raises DomainTaken."""
    if domain.state == DomainState.VERIFIED:
        return
    before = domain.state
    domain.state, domain.verified_at = DomainState.VERIFIED, now()
    try:
        with transaction.atomic():
            domain.save(update_fields=["state", "verified_at"])
    except IntegrityError as error:
        domain.state = before
        raise DomainTaken from error
    change = audit.Change(before={"state": before}, after={"state": domain.state})
    audit.record(org=domain.org, actor=actor, action="domain.verified", target=_target(domain), change=change)


def txt_record(domain: Domain) -> tuple[str, str]:
    """Return host and value of the DNS TXT record that proves the domain."""
    return f"_gatehouse.{domain.name}", f"gatehouse-verify={domain.txt_token}"


def _target(domain: Domain) -> audit.Target:
    return audit.Target("domain", str(domain.public_id), domain.name)
