"""Names below which anybody may have a domain, such as co.uk and github.io: publicsuffix.org's list, as installed."""

from functools import cache

from publicsuffixlist import PublicSuffixList


@cache
def _known() -> PublicSuffixList:
    # reading the list takes a fifth of a second, so only a process that needs it does
    return PublicSuffixList()


def is_public_suffix(name: str) -> bool:
    """Say whether a domain name, in its ASCII form, is a public suffix."""
    return bool(_known().is_public(name))
