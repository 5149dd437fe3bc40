"""A database that is lost."""

from django.db import DatabaseError


def lost(*args, **kwargs):
    raise DatabaseError("lost")
