"""Text that is compared without case, by one rule in Python: databases disagree about lower()."""

import unicodedata
from hashlib import sha256

import idna

KEY_LENGTH = 512
EXACT_KEY_LENGTH = 256
DIGEST_MARK = "sha256:"


def text_key(text: str) -> str:
    """Return the form under which two spellings of one name are equal, without outer space."""
    return folded(text.strip())


def folded(text: str) -> str:
    """Return a text, or a part of one, without case: canonical caseless matching (Unicode §3.13) by simple case folding.

    Names that differ in compatibility characters are two: "Team 1" and "Team ①", "Straße" and "Strasse". RFC 8265 §3.3
    keeps them apart, too.
    """
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", "".join(map(_fold, unicodedata.normalize("NFD", text))))


def _fold(letter: str) -> str:
    """Return one letter for one: where the folding has several, as of ß, the small letter, and where that has, itself."""
    return next((small for small in (letter.casefold(), letter.lower()) if len(small) == 1), letter)


def exact_key(text: str) -> str:
    """Return a text that is compared exactly as an index can hold it: itself, or its digest when it is long."""
    if len(text) <= EXACT_KEY_LENGTH and not text.startswith(DIGEST_MARK):
        return text
    return DIGEST_MARK + sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def domain_key(domain: str) -> str:
    """Return a domain name in the ASCII form of IDNA 2008, in which ß and ss are two domains (RFC 5891). Raises ValueError."""
    return idna.encode(domain.strip().rstrip("."), uts46=True, transitional=False).decode("ascii").lower()


def domain_as_read(key: str) -> str:
    """Return the letters for which an ASCII domain name stands (U-labels, RFC 5890 §2.3.2.1), or the name itself.

    Never shown alone: letters of two scripts can look the same.
    """
    try:
        return idna.decode(key)
    except ValueError:
        return key


def address_domain(address: str) -> str:
    """Return the part after the last @ as domains are kept, or an empty string when there is none that DNS could know."""
    _, at, domain = address.rpartition("@")
    try:
        return domain_key(domain) if at else ""
    except ValueError:
        return ""


def address_key(address: str) -> str:
    """Return the form under which two spellings of one e-mail address are equal: local part without case, domain by DNS."""
    local, at, _ = address.rpartition("@")
    domain = address_domain(address)
    return f"{mailbox_key(local)}@{domain}" if at and domain else mailbox_key(address)


def mailbox_key(text: str) -> str:
    """Return a mailbox's name without case and without compatibility characters: letters that look alike are one mailbox."""
    compatible = unicodedata.normalize("NFKC", text.strip()).casefold()
    # casefold can undo the normal form (RFC 8264 §5.2.3 meets the same), so it is restored once more
    return unicodedata.normalize("NFKC", compatible)


def mail_address(address: str) -> str:
    """Return the address to which a mail server delivers: its domain in the ASCII form that keys have, too.

    Django would use the older IDNA 2003, in which ß is ss: another domain, with another owner.
    """
    local, at, _ = address.rpartition("@")
    domain = address_domain(address)
    return f"{local}@{domain}" if at and domain else address


def initials(name: str) -> str:
    """Return one or two capital letters that stand for a name on a small tile."""
    words = [word for word in name.replace("@", " ").replace(".", " ").split() if word[0].isalnum()]
    return "".join(word[0] for word in words[:2]).upper() or "?"
