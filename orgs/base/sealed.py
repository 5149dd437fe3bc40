"""Secrets that must be read again are sealed with FIELD_KEYS; the first key seals, every key opens."""

import binascii
from enum import Enum

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class SealBroken(Exception):
    """None of FIELD_KEYS opens this value: a key was dropped too early, or the value was altered."""


def key_ring() -> MultiFernet:
    """Return the keys in order. Raises ImproperlyConfigured when one isn't 32 bytes in base64url."""
    try:
        keys = [Fernet(key) for key in settings.FIELD_KEYS]
    except (ValueError, binascii.Error) as error:
        raise ImproperlyConfigured("Each of FIELD_KEYS must be 32 random bytes in base64url.") from error
    if not keys:
        raise ImproperlyConfigured("FIELD_KEYS is empty.")
    return MultiFernet(keys)


def seal(text: str) -> str:
    """Return text that only holders of FIELD_KEYS can read."""
    return key_ring().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Return what was sealed. Raises SealBroken."""
    try:
        return key_ring().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise SealBroken("A sealed value can't be opened with the present FIELD_KEYS.") from error


class SealingKey(Enum):
    """Which of FIELD_KEYS opens a sealed value."""

    FIRST = "first"
    OTHER = "other"
    NONE = "none"


def key_state(sealed: str) -> SealingKey:
    """Say whether the first key opens this value, or another one, or none."""
    first = Fernet(settings.FIELD_KEYS[0])
    for keys, state in ((first, SealingKey.FIRST), (key_ring(), SealingKey.OTHER)):
        try:
            keys.decrypt(sealed.encode())
        except InvalidToken:
            continue
        return state
    return SealingKey.NONE
