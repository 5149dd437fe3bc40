"""Walks every tenant table and holds each row against its parents, on whichever database the tests run."""

from django.apps import apps
from django.db.models import F, ForeignKey, Model

OURS = {"orgs", "scim", "sso", "portal"}


def tenant_models() -> list[type[Model]]:
    """Return the models whose rows belong to one organization."""
    found = (model for model in apps.get_models() if model._meta.app_label in OURS)
    return [model for model in found if any(field.name == "org" for field in model._meta.fields)]


def tenant_parents(model: type[Model]) -> list[str]:
    """Return the names of the foreign keys that lead to another tenant model."""
    tenants = tenant_models()
    return [
        field.name for field in model._meta.fields if isinstance(field, ForeignKey) and field.related_model in tenants
    ]


def assert_rows_stay_in_their_organization() -> None:
    """No row has a parent of another organization."""
    for model in tenant_models():
        for name in tenant_parents(model):
            strays = model._default_manager.exclude(**{f"{name}__isnull": True}).exclude(**{f"{name}__org": F("org")})
            assert not strays.exists(), f"{model.__name__}.{name} leads to another organization"
