"""The check of every environment variable before anything starts: all faults at once, one line for each.

No line holds the value of a variable that may be secret.
"""

import base64
import binascii
import os
import re
from collections.abc import Callable, Iterator, Mapping
from email.utils import parseaddr
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from cryptography.fernet import Fernet

from portal.env import FILE_FAULTS

Environment = Mapping[str, str]
Rule = Callable[[str], str]
HELP = "See README.md, Configuration."
DATABASES = {"postgres", "postgresql", "psql", "pgsql", "sqlite"}
IN_MEMORY = "sqlite://:memory:"
BROKERS = {"redis", "rediss", "unix"}
MAIL_SERVERS = {"smtp", "smtps", "smtp+tls", "smtp+ssl"}
MAIL_SINKS = {"consolemail", "filemail", "memorymail", "dummymail"}
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
# the words that django-environ takes for true, and their opposites
TRUE = {"true", "on", "ok", "y", "yes", "1"}
FALSE = {"false", "off", "n", "no", "0"}
HOST = re.compile(r"\.?(?:[a-z0-9_-]+\.)*[a-z0-9_-]+\.?", re.IGNORECASE)
MOST_PROXIES = 10
MOST_SKEW = 300
SHORTEST_KEY = 50
# the keys of development and of the tests, which are published with the source
PUBLISHED_KEY = "only-key-that-production-refuses"
PUBLISHED_FIELD_KEY = b"only-field-key"


class ConfigurationInvalid(SystemExit):
    """Ends whatever is starting, with status 1 and one line on standard error for each fault."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def require_valid(*, production: bool = False) -> None:
    """Raises ConfigurationInvalid, which names every variable that is wrong."""
    faults = find_faults(os.environ, FILE_FAULTS, production=production)
    if faults:
        raise ConfigurationInvalid(faults)


def find_faults(given: Environment, unread: Mapping[str, str], *, production: bool) -> list[str]:
    """Return a sentence for each variable that is wrong or missing; `unread` are the faults of files, by variable."""
    faults = dict(unread)
    if production:
        faults = dict(_missing(given)) | faults
    for name, text in _wrong(given, PRODUCTION_RULES if production else {}):
        faults.setdefault(name, text)
    return list(faults.values())


def _missing(given: Environment) -> Iterator[tuple[str, str]]:
    for name, why in REQUIRED.items():
        if not given.get(name, "").strip():
            yield name, f"{name} is not set: {why}"


def _wrong(given: Environment, more: Mapping[str, Rule]) -> Iterator[tuple[str, str]]:
    for rules in (RULES, more):
        for name, rule in rules.items():
            text = given.get(name, "").strip()
            if text and (problem := rule(text)):
                yield name, f"{name} {problem}"


def _split(text: str) -> SplitResult | None:
    """Return the parts of a URL, or nothing when it isn't one; a port that is no number shows on reading only."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _database_url(text: str) -> str:
    if text == IN_MEMORY:
        return ""
    parts = _split(text)
    if parts is None or parts.scheme not in DATABASES or not text.startswith(f"{parts.scheme}://"):
        return "must be postgres://user:password@host:5432/name or sqlite:////path/of/the/file."
    if not parts.path.strip("/"):
        return "names no database: end it with the name, as in postgres://user:password@host:5432/gatehouse."
    return ""


def _redis_url(text: str) -> str:
    parts = _split(text)
    where = parts and (parts.path.strip("/") if parts.scheme == "unix" else parts.hostname)
    if parts is None or parts.scheme not in BROKERS or not where:
        return "must be redis://host:6379/0, or rediss:// for TLS."
    number = parts.path.strip("/")
    if parts.scheme != "unix" and number and not number.isdecimal():
        return "must end with the number of a Redis database, as in redis://host:6379/0."
    return ""


def _base_url(text: str) -> str:
    parts = _split(text)
    bare = text.rstrip("/")
    if parts is None or not parts.hostname or not re.fullmatch(r"https?://[^/?#@\s]+", bare):
        return f"must be an origin such as https://gatehouse.example, without a path; it is {text!r}."
    return ""


def _field_keys(text: str) -> str:
    try:
        for key in _items(text):
            Fernet(key)
    except (ValueError, binascii.Error):
        return "is unusable: each of FIELD_KEYS must be 32 random bytes in base64url, with commas between keys."
    return "" if _items(text) else "holds no key."


def _own_field_keys(text: str) -> str:
    if _field_keys(text):
        return ""
    is_published = any(PUBLISHED_FIELD_KEY in base64.urlsafe_b64decode(key) for key in _items(text))
    return "must be your own: these are published with the source." if is_published else ""


def _own_secret_key(text: str) -> str:
    is_own = PUBLISHED_KEY not in text and len(text) >= SHORTEST_KEY
    return "" if is_own else f"must be your own, of {SHORTEST_KEY} characters or more."


def _own_fallbacks(text: str) -> str:
    if all(not _own_secret_key(key) for key in _items(text)):
        return ""
    return (
        f"must hold former values of SECRET_KEY, each of {SHORTEST_KEY} characters or more, with commas between them."
    )


def _hosts(text: str) -> str:
    wrong = [host for host in _items(text) if not _is_host(host)]
    return (
        f"must hold names of hosts, without scheme, port or path, with commas between them; {wrong[0]!r} is none."
        if wrong
        else ""
    )


def _is_host(text: str) -> bool:
    if text.startswith("[") and text.endswith("]"):
        try:
            return ip_address(text[1:-1]).version == 6
        except ValueError:
            return False
    return text == "*" or HOST.fullmatch(text) is not None


def _own_hosts(text: str) -> str:
    return "must name the hosts: with * any Host header would be believed." if "*" in _items(text) else ""


def _email_url(text: str) -> str:
    parts = _split(text)
    if parts is not None and parts.scheme in MAIL_SINKS:
        return ""
    if parts is None or parts.scheme not in MAIL_SERVERS or not parts.hostname:
        return "must be smtp+tls://user:password@host:587, smtp+ssl://…:465 or smtp://host:25."
    return ""


def _sender(text: str) -> str:
    _, address = parseaddr(text)
    if "\n" in text or not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
        return f"must be an address such as no-reply@gatehouse.example; it is {text!r}."
    return ""


def _level(text: str) -> str:
    return "" if text.upper() in LEVELS else f"must be one of {', '.join(LEVELS)}; it is {text!r}."


def _switch(text: str) -> str:
    return "" if text.lower() in TRUE | FALSE else f"must be true or false; it is {text!r}."


def _number(most: int) -> Rule:
    def check(text: str) -> str:
        is_number = text.isascii() and text.isdecimal() and int(text[:9]) <= most
        return "" if is_number else f"must be a number from 0 to {most}; it is {text!r}."

    return check


def _header_token(text: str) -> str:
    return "" if text.isascii() and text.isprintable() and " " not in text else "must be ASCII without spaces."


def _off(why: str) -> Rule:
    return lambda text: "" if text.lower() in FALSE else why


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


RULES: dict[str, Rule] = {
    "DATABASE_URL": _database_url,
    "REDIS_URL": _redis_url,
    "PUBLIC_BASE_URL": _base_url,
    "SECRET_KEY": lambda _: "",
    "SECRET_KEY_FALLBACKS": lambda _: "",
    "FIELD_KEYS": _field_keys,
    "ALLOWED_HOSTS": _hosts,
    "EMAIL_URL": _email_url,
    "DEFAULT_FROM_EMAIL": _sender,
    "LOG_LEVEL": _level,
    "DEBUG": _switch,
    "TRUSTED_PROXY_COUNT": _number(MOST_PROXIES),
    "METRICS_TOKEN": _header_token,
    "SAML_CLOCK_SKEW": _number(MOST_SKEW),
}
REQUIRED = {
    "SECRET_KEY": f"production has no default for it. {HELP}",
    "FIELD_KEYS": f"production has no default for it. {HELP}",
    "EMAIL_URL": f"production has no default for it. {HELP}",
    "PUBLIC_BASE_URL": "published URLs are built from it.",
}
PRODUCTION_RULES: dict[str, Rule] = {
    "SECRET_KEY": _own_secret_key,
    "SECRET_KEY_FALLBACKS": _own_fallbacks,
    "FIELD_KEYS": _own_field_keys,
    "ALLOWED_HOSTS": _own_hosts,
    "DEBUG": _off("can't be on in production."),
    "OUTBOUND_ALLOWS_LOOPBACK": _off("can't be on in production: it opens this machine to URLs."),
}
