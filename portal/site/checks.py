"""What `/readyz` and `doctor` look at: each check says ok, or what is wrong and what to do."""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import uuid4

from django.conf import settings
from django.core.cache import cache
from django.core.mail import get_connection
from django.db import DatabaseError, InterfaceError, connection
from django.utils.dateparse import parse_datetime

from orgs.base import sealed
from orgs.base.clock import now
from orgs.events import queries as outbox
from portal.site.tasks import HEARTBEAT

LATE = timedelta(minutes=2)
MAX_CLOCK_DIFFERENCE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Check:
    """`verdict` is ok or a short cause; `advice` says what to do about it."""

    name: str
    verdict: str
    advice: str = ""

    @property
    def is_ok(self) -> bool:
        return self.verdict == "ok"


def database() -> Check:
    """The database answers a query, and its clock agrees with ours."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError) as error:
        return Check(
            "database", f"unreachable ({type(error).__name__})", "Check DATABASE_URL and that the server runs."
        )
    return Check("database", "ok")


def clock() -> Check:
    """The database's clock and ours agree to half a minute; tokens and sessions depend on it."""
    if connection.vendor != "postgresql":
        return Check("clock", "ok")
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            difference = abs(now() - cursor.fetchone()[0])
    except (DatabaseError, InterfaceError) as error:
        return Check("clock", f"unknown ({type(error).__name__})", "The database must answer first.")
    if difference > MAX_CLOCK_DIFFERENCE:
        return Check("clock", f"{difference.total_seconds():.0f} s apart from the database", "Synchronise both by NTP.")
    return Check("clock", "ok")


def shared_cache() -> Check:
    """What is put into the cache can be read back."""
    key, value = f"check.{uuid4().hex}", uuid4().hex
    try:
        cache.set(key, value, timeout=30)
        found = cache.get(key)
        cache.delete(key)
    except Exception as error:  # noqa: BLE001 - cache backends raise what their client library raises
        advice = "Check REDIS_URL." if settings.REDIS_URL else "Run manage.py createcachetable."
        return Check("cache", f"unreachable ({type(error).__name__})", advice)
    return Check("cache", "ok") if found == value else Check("cache", "forgets what it is given", "Check REDIS_URL.")


def broker() -> Check:
    """The broker takes a connection."""
    from portal.celery import app

    try:
        with app.connection_for_write(connect_timeout=1) as link:
            link.ensure_connection(max_retries=0, timeout=1)
    except Exception as error:  # noqa: BLE001 - each transport raises errors of its own
        return Check("broker", f"unreachable ({type(error).__name__})", "Check REDIS_URL and that Redis runs.")
    return Check("broker", "ok")


def worker() -> Check:
    """A worker with beat ran within the last two minutes, and no outbox event is late."""
    try:
        seen = parse_datetime(cache.get(HEARTBEAT) or "")
        late = outbox.overdue_count(since=now() - LATE)
    except Exception as error:  # noqa: BLE001 - the cache's or the database's own errors
        return Check("worker", f"unknown ({type(error).__name__})", "Database and cache must answer first.")
    advice = "Start one: celery -A portal.celery worker --beat."
    if seen is None:
        return Check("worker", "no worker has reported", advice)
    return Check("worker", "ok") if not late else Check("worker", f"{late} outbox events are late", advice)


def keys() -> Check:
    """FIELD_KEYS can seal and open."""
    try:
        is_whole = sealed.unseal(sealed.seal("check")) == "check"
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a key is wrong here
        return Check(
            "keys", f"unusable ({type(error).__name__})", "Set FIELD_KEYS to 32 random bytes in base64url each."
        )
    return Check("keys", "ok") if is_whole else Check("keys", "don't open what they seal", "Set FIELD_KEYS anew.")


def base_url() -> Check:
    """PUBLIC_BASE_URL is an address that IdPs can call."""
    parts = urlsplit(settings.PUBLIC_BASE_URL)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query:
        return Check("base_url", "not an origin", "Set PUBLIC_BASE_URL to https://your.host, without a path.")
    if parts.scheme == "http" and not settings.SANDBOX:
        return Check("base_url", "not HTTPS", "IdPs refuse plain HTTP: set PUBLIC_BASE_URL to https://…")
    if parts.hostname not in settings.ALLOWED_HOSTS and "*" not in settings.ALLOWED_HOSTS:
        return Check("base_url", "its host isn't allowed", "Add the host of PUBLIC_BASE_URL to ALLOWED_HOSTS.")
    return Check("base_url", "ok")


def mail() -> Check:
    """The mail server takes a connection."""
    try:
        with get_connection():
            pass
    except Exception as error:  # noqa: BLE001 - mail backends raise socket, SSL and SMTP errors alike
        return Check("mail", f"unreachable ({type(error).__name__})", "Check EMAIL_URL.")
    return Check("mail", "ok")


ALL = (database, shared_cache, broker, worker, clock, keys, base_url, mail)
