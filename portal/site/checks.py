"""What `/readyz` and `doctor` look at: each check says ok, or what is wrong and what to do."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import uuid4

from celery import current_app
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.cache import cache
from django.core.mail import get_connection
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from orgs.base import sealed
from orgs.base.clock import now
from orgs.events import queries as outbox
from orgs.events.types import HEARTBEAT_OVERDUE
from orgs.tenancy import queries as tenancy
from portal.site import proxies

LATE = timedelta(minutes=2)
# as many organizations are named in one line
MOST_NAMED = 10
MAX_CLOCK_DIFFERENCE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """`verdict` is ok or a short cause; `advice` says what to do about it; `reported_at` is a worker's last heartbeat."""

    name: str
    verdict: str
    advice: str = ""
    reported_at: datetime | None = None

    @property
    def is_ok(self) -> bool:
        return self.verdict == "ok"


def _attempt(name: str, act: Callable[[], str], *, problem: str, advice: str) -> HealthCheck:
    """Return what the act found, "ok" or a cause; or, when it breaks, the problem with the kind of error.

    Databases, caches, brokers, keys and mail servers each raise errors of their own: whatever it is, is the finding.
    """
    try:
        verdict = act()
    except Exception as error:  # noqa: BLE001
        return HealthCheck(name, f"{problem} ({type(error).__name__})", advice)
    return HealthCheck(name, verdict, "" if verdict == "ok" else advice)


def database() -> HealthCheck:
    """Check that the database answers a query."""

    def ask() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return "ok"

    return _attempt("database", ask, problem="unreachable", advice="Check DATABASE_URL and that the server runs.")


def schema() -> HealthCheck:
    """Check that every migration has run in this database."""

    def compare() -> str:
        executor = MigrationExecutor(connection)
        missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        return f"{missing} migrations haven't run" if missing else "ok"

    return _attempt("schema", compare, problem="unknown", advice="Run manage.py migrate.")


def static_files() -> HealthCheck:
    """Check that each style sheet, script and picture was collected, where collected files are served."""

    def look() -> str:
        if settings.WHITENOISE_USE_FINDERS:
            return "ok"
        paths = {path for finder in get_finders() for path, _ in finder.list([])}
        missing = sum(not _is_collected(path) for path in paths)
        return f"{missing} files aren't collected" if missing else "ok"

    return _attempt("static", look, problem="unknown", advice="Run manage.py collectstatic --noinput.")


def _is_collected(path: str) -> bool:
    try:
        return bool(staticfiles_storage.url(path))
    except ValueError:
        # a page that names the file would break in the same way
        return False


def clock() -> HealthCheck:
    """Check that the database's clock and ours agree to half a minute; tokens and sessions depend on it."""
    if connection.vendor != "postgresql":
        return HealthCheck("clock", "ok")

    def compare() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            difference = abs(now() - cursor.fetchone()[0])
        run_in_thread = f"{difference.total_seconds():.0f} s apart from the database"
        return run_in_thread if difference > MAX_CLOCK_DIFFERENCE else "ok"

    return _attempt("clock", compare, problem="unknown", advice="Synchronise both machines by NTP.")


def shared_cache() -> HealthCheck:
    """Check that what is put into the cache can be read back."""

    def remember() -> str:
        key, value = f"check.{uuid4().hex}", uuid4().hex
        cache.set(key, value, timeout=30)
        found = cache.get(key)
        cache.delete(key)
        return "ok" if found == value else "forgets what it is given"

    return _attempt("cache", remember, problem="unreachable", advice="Run manage.py migrate.")


def cache_answers() -> HealthCheck:
    """Check that the cache answers. Unlike `shared_cache` this writes nothing: anybody may ask `/readyz`, and often."""

    def ask() -> str:
        cache.get("check")
        return "ok"

    return _attempt("cache", ask, problem="unreachable", advice="Run manage.py migrate.")


def broker() -> HealthCheck:
    """Check that the broker takes a connection."""

    def connect() -> str:
        with current_app.connection_for_write(connect_timeout=1) as link:
            link.ensure_connection(max_retries=0, timeout=1)
        return "ok"

    return _attempt("broker", connect, problem="unreachable", advice="Check REDIS_URL and that Redis runs.")


def worker() -> HealthCheck:
    """Check that a worker reported within the last minute, which needs beat, too, and that no outbox event is late."""

    last: datetime | None = None

    def look() -> str:
        nonlocal last
        last = outbox.heartbeat()
        if last is None:
            return "no worker has reported"
        if now() - last > HEARTBEAT_OVERDUE:
            return f"no worker has reported for {(now() - last).total_seconds():.0f} s"
        late = outbox.overdue_count(since=now() - LATE)
        return f"{late} outbox events are late" if late else "ok"

    advice = "Start both: celery -A portal.celery worker, and celery -A portal.celery beat."
    return replace(_attempt("worker", look, problem="unknown", advice=advice), reported_at=last)


def given_up() -> HealthCheck:
    """Check that no mail or other work was given up."""

    def count() -> str:
        found = outbox.failed_for_us().count()
        return f"{found} outbox events were given up" if found else "ok"

    advice = "See manage.py outbox list, then retry or cancel them with manage.py outbox."
    return _attempt("given_up", count, problem="unknown", advice=advice)


def owners() -> HealthCheck:
    """Check that each organization has an owner who can sign in."""

    def find() -> str:
        slugs = [org.slug for org in tenancy.organizations_without_owner()[: MOST_NAMED + 1]]
        named = ", ".join(slugs[:MOST_NAMED]) + (" and others" if len(slugs) > MOST_NAMED else "")
        return f"no owner can sign in to {named}" if slugs else "ok"

    advice = "Ask the organization who its owner is, then add that person with manage.py add_owner."
    return _attempt("owners", find, problem="unknown", advice=advice)


def keys() -> HealthCheck:
    """Check that FIELD_KEYS can seal and open."""

    def try_keys() -> str:
        return "ok" if sealed.unseal(sealed.seal("check")) == "check" else "don't open what they seal"

    advice = "Set FIELD_KEYS to 32 random bytes in base64url each."
    return _attempt("keys", try_keys, problem="unusable", advice=advice)


def base_url() -> HealthCheck:
    """Check that PUBLIC_BASE_URL is an address that IdPs can call."""
    parts = urlsplit(settings.PUBLIC_BASE_URL)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query:
        return HealthCheck("base_url", "not an origin", "Set PUBLIC_BASE_URL to https://your.host, without a path.")
    if parts.scheme == "http" and not settings.SANDBOX:
        return HealthCheck("base_url", "not HTTPS", "IdPs refuse plain HTTP: set PUBLIC_BASE_URL to https://…")
    if parts.hostname not in settings.ALLOWED_HOSTS and "*" not in settings.ALLOWED_HOSTS:
        return HealthCheck("base_url", "its host isn't allowed", "Add the host of PUBLIC_BASE_URL to ALLOWED_HOSTS.")
    return HealthCheck("base_url", "ok")


def mail() -> HealthCheck:
    """Check that the mail server takes a connection."""

    def connect() -> str:
        with get_connection():
            return "ok"

    return _attempt("mail", connect, problem="unreachable", advice="Check EMAIL_URL.")


def proxy() -> HealthCheck:
    """Check that TRUSTED_PROXY_COUNT fits the settings, and what arrives."""
    return HealthCheck("proxy", *proxies.look())


# without these every page and every sign-in goes on
OPTIONAL = (cache_answers, broker, worker, given_up)
ALL = (
    database,
    schema,
    shared_cache,
    static_files,
    broker,
    worker,
    given_up,
    owners,
    clock,
    keys,
    base_url,
    proxy,
    mail,
)
