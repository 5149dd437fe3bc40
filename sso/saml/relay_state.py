"""RelayState is an opaque key: the IdP carries it, and nobody reads a URL out of it."""

import secrets
from urllib.parse import urlsplit

# bytes: several sign-ins at once remember theirs in cookies, of which proxies take 8 KB
LONGEST_PATH = 500


def new_key() -> str:
    """Return 43 characters that say nothing (SAML Bindings §3.4.3 allows 80 bytes)."""
    return secrets.token_urlsafe(32)


def local_path(text: str) -> str:
    """Return where to go after sign-in: the text when it is a path on this site, else an empty text.

    `//host`, `/\\host`, `https:host` and control characters are other sites in some browser or other.
    """
    if not text.startswith("/") or text.startswith("//") or len(text.encode(errors="replace")) > LONGEST_PATH:
        return ""
    if "\\" in text or not text.isprintable():
        return ""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return "" if parts.scheme or parts.netloc else text
