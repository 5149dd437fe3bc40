"""Text that is compared without case, by one rule in Python: databases disagree about lower()."""

import unicodedata

KEY_LENGTH = 512


def text_key(text: str) -> str:
    """Return the form under which two spellings of one name are equal: NFKC, then casefold, without outer space."""
    folded = unicodedata.normalize("NFKC", text.strip()).casefold()
    # casefold can undo the normal form (RFC 8264 §5.2.3 meets the same), so it is restored once more
    return unicodedata.normalize("NFKC", folded)


def address_domain(address: str) -> str:
    """Return the part after the last @ as domains are kept: casefolded, in ASCII (RFC 5890). Empty when there is none."""
    _, at, domain = address.rpartition("@")
    try:
        return text_key(domain).encode("idna").decode("ascii") if at else ""
    except UnicodeError:
        return ""


def initials(name: str) -> str:
    """Return one or two capital letters that stand for a name on a small tile."""
    words = [word for word in name.replace("@", " ").replace(".", " ").split() if word[0].isalnum()]
    return "".join(word[0] for word in words[:2]).upper() or "?"
