"""If-Match and If-None-Match, by the weak comparison that SCIM's versions need (RFC 7644 §3.14, RFC 9110 §13.1)."""

import re

from scim.protocol.errors import PreconditionFailed

_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e]*)"')
EVERY = "*"


def names_version(header: str, version: str) -> bool:
    """Say whether a list of entity tags names the version, which is one, too; `*` names every one."""
    return header.strip() == EVERY or not set(_TAG.findall(version)).isdisjoint(_TAG.findall(header))


def require_match(header: str, number: int) -> None:
    """Raises PreconditionFailed when the client has seen another version of what it changes."""
    if not names_version(header, f'W/"{number}"'):
        raise PreconditionFailed(f'The resource has the version W/"{number}" now. Read it, then repeat the change.')
