"""Which text is an e-mail address: one rule for accounts, memberships, assertions, directories, forms and commands."""

import re

from orgs.base.text import address_domain

# RFC 5321 §4.5.3.1.1, and §4.5.3.1.3 without the angle brackets of a path
LONGEST_LOCAL_PART = 64
LONGEST_ADDRESS = 254
# RFC 5322 §3.2.3. The letters are ASCII ones, since look-alikes of one address must be neither two people nor one
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL_PART = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
# as DNS knows it (RFC 1035 §2.3.1): two labels at least, the last one not a number (RFC 3696 §2)
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+(?:[a-z]{{2,63}}|xn--[a-z0-9-]{{1,58}}[a-z0-9])")


def is_mail_address(text: str, *, is_ascii_only: bool = False) -> bool:
    """Say whether this is one address to which mail can be sent, written as `local@domain` and nothing around it.

    The local part is a dot-atom in ASCII: no quotes, no comments, no empty part between dots. The domain may be an
    international one (IDNA 2008); `is_ascii_only` wants it in the ASCII form. An assertion is read like that, because
    there the address alone says whose sign-in it is.
    """
    local, _, domain = text.rpartition("@")
    if len(text) > LONGEST_ADDRESS or len(local) > LONGEST_LOCAL_PART or not _LOCAL_PART.fullmatch(local):
        return False
    if is_ascii_only and not domain.isascii():
        return False
    # address_domain leaves these out, as for a domain that somebody types alone
    if domain != domain.strip().rstrip("."):
        return False
    sent_as = address_domain(text)
    return len(f"{local}@{sent_as}") <= LONGEST_ADDRESS and _DOMAIN.fullmatch(sent_as) is not None
