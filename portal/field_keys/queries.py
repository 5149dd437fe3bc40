from django.apps import apps
from django.db.models import Manager, Model


def rows_of(model: str) -> "Manager[Model]":
    """Return every row of the model with this label, as in sso.SpKey."""
    rows: Manager[Model] = apps.get_model(model)._default_manager  # noqa: SLF001 - Django's documented name
    return rows
