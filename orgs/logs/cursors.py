"""Where a page of a log begins, as its URL says it: a row's number, enciphered.

Numbers are given to the rows of all organizations in turn, so a plain one would tell how much happens elsewhere.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from django.utils.crypto import salted_hmac

BLOCK, HALF = 16, 8
PADDING = "=="


@lru_cache(maxsize=1)
def _cipher() -> "Cipher[modes.ECB]":
    key = salted_hmac("orgs.logs.cursors", "", algorithm="sha256").digest()
    # one block, never a second: nothing that a mode would hide
    return Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305


def make_cursor(org_id: int, row_id: int) -> str:
    """Return the text that names this row in URLs of its organization."""
    block = org_id.to_bytes(HALF, "big") + row_id.to_bytes(HALF, "big")
    return urlsafe_b64encode(_cipher().encryptor().update(block)).decode().removesuffix(PADDING)


def read_cursor(org_id: int, text: str) -> int | None:
    """Return the number of the row; None for what isn't a cursor of this organization."""
    try:
        block = urlsafe_b64decode(text.encode("ascii") + PADDING.encode())
    except (UnicodeEncodeError, binascii.Error):
        return None
    if len(block) != BLOCK:
        return None
    plain = _cipher().decryptor().update(block)
    return int.from_bytes(plain[HALF:], "big") if int.from_bytes(plain[:HALF], "big") == org_id else None
