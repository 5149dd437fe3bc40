"""Django's sessions in the database; one that is new is stored once, with all that it holds, when the answer leaves."""

from contextlib import nullcontext

from django.contrib.sessions.backends.base import VALID_KEY_CHARS, CreateError, UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.db import DatabaseError, IntegrityError, connections, router, transaction
from django.utils.crypto import get_random_string

KEY_LENGTH = 32


class SessionStore(DatabaseSessions):
    """As Django's, in fewer statements: a key isn't looked for before it is taken, and one row is no transaction."""

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self._is_unsaved = False

    def cycle_key(self) -> None:
        """Give the session a new key. One that had none yet is stored when the answer leaves, and not before."""
        if self.session_key is not None:
            super().cycle_key()
            return
        data = dict(self.items())
        self._session_key = self._get_new_session_key()
        self._session_cache = data
        self._is_unsaved = self.modified = True

    def _get_new_session_key(self) -> str:
        """Return 165 random bits; whether they are taken shows when they are stored."""
        return get_random_string(KEY_LENGTH, VALID_KEY_CHARS)

    def save(self, must_create: bool = False) -> None:
        """Store the session. Raises CreateError for a key that is taken, and UpdateError when the session has ended."""
        if self.session_key is None:
            self.create()
            return
        is_new = must_create or self._is_unsaved
        held = self._get_session(no_load=is_new)  # type: ignore[attr-defined]
        row = self.create_model_instance(held)
        using = router.db_for_write(self.model, instance=row)
        # inside another's transaction a refusal must not break that
        in_transaction = connections[using].in_atomic_block
        try:
            with transaction.atomic(using=using) if in_transaction else nullcontext():
                row.save(force_insert=is_new, force_update=not is_new, using=using)
        except IntegrityError as error:
            if is_new:
                raise CreateError from error
            raise
        except DatabaseError as error:
            if not is_new:
                raise UpdateError from error
            raise
        self._is_unsaved = False
