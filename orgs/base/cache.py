"""Django's cache in a table that the migrations make.

A live value is never evicted: rate limits and used one-time codes depend on that. Django's own DatabaseCache evicts
from 300 entries on, and Redis may evict, restart empty or be away.
"""

import json
from datetime import datetime, timedelta
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.utils.crypto import salted_hmac

from orgs.base import models
from orgs.base.clock import now

# about as long as for ever
NEVER = timedelta(days=3650)
SALT = "orgs.base.cache"


class TableCache(BaseCache):
    """Values are JSON; keys are stored as keyed digests."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        found = models.read_entry(self._digest(key, version))
        return default if found is None else json.loads(found)

    def set(self, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        models.write_entry(self._digest(key, version), json.dumps(value), self._expiry(timeout))

    def add(self, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return models.write_entry(self._digest(key, version), json.dumps(value), self._expiry(timeout), only_new=True)

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Raises ValueError when there is no such number (as Django's caches do)."""
        found = models.add_to_entry(self._digest(key, version), delta)
        if found is None:
            raise ValueError("There is no such number in the cache.")
        return found

    def touch(self, key: str, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return models.extend_entry(self._digest(key, version), self._expiry(timeout))

    def delete(self, key: str, version: int | None = None) -> bool:
        return models.delete_entry(self._digest(key, version))

    def clear(self) -> None:
        models.delete_all_entries()

    def _digest(self, key: str, version: int | None) -> str:
        full = self.make_and_validate_key(key, version=version)
        return salted_hmac(SALT, full, algorithm="sha256").hexdigest()

    def _expiry(self, timeout: float | None) -> datetime:
        if timeout is None:
            return now() + NEVER
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return now() + (NEVER if seconds is None else timedelta(seconds=seconds))
