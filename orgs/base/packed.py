"""Texts in few bytes: compressed with words that both sides know, where that is shorter than the texts themselves."""

import zlib
from collections.abc import Sequence

PLAIN, COMPRESSED = b"\x00", b"\x01"
SEPARATOR = b"\x00"
LEVEL = 6


def pack(texts: Sequence[str], words: bytes) -> bytes:
    """Return texts without NUL as one value. `words` are what such texts often contain; `unpack` needs the same ones."""
    plain = SEPARATOR.join(text.encode() for text in texts)
    # raw deflate: neither header nor checksum
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, zdict=words)
    packed = packer.compress(plain) + packer.flush()
    return COMPRESSED + packed if len(packed) < len(plain) else PLAIN + plain


def unpack(value: bytes | memoryview | None, words: bytes, count: int) -> list[str]:
    """Return the texts that were packed, or as many empty ones."""
    stored = bytes(value or b"")
    if not stored:
        return [""] * count
    plain = stored[1:]
    if stored[:1] == COMPRESSED:
        plain = zlib.decompressobj(-zlib.MAX_WBITS, zdict=words).decompress(plain)
    return [part.decode() for part in plain.split(SEPARATOR)]
