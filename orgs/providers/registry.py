"""Every provider there is a folder for. A folder is found by being there: nothing else names it."""

import re
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from pkgutil import iter_modules
from urllib.parse import urlsplit

from orgs import providers
from orgs.providers.habits import ScimHabits
from orgs.providers.types import CUSTOM_CODE, Absent, Provider


def _found() -> Iterator[Provider]:
    """Yield what each folder holds under the name PROVIDER."""
    for module in iter_modules(providers.__path__):
        if module.ispkg:
            yield import_module(f"{providers.__name__}.{module.name}").PROVIDER


ALL: tuple[Provider, ...] = tuple(sorted(_found(), key=lambda one: one.place))
# those that can be connected by SAML, in the order of the tiles
PROVIDERS: tuple[Provider, ...] = tuple(one for one in ALL if not isinstance(one.saml, Absent))
SCIM_CLIENTS: tuple[tuple[Provider, ScimHabits], ...] = tuple(
    (one, one.scim) for one in ALL if isinstance(one.scim, ScimHabits)
)
_NAMES_OF_DELETED = tuple(re.compile(habits.deleted_name) for _, habits in SCIM_CLIENTS if habits.deleted_name)
_MONOGRAMS = {one.code: one.monogram for one in ALL}
_CALLS_EVERY = {one.code: habits.calls_every for one, habits in SCIM_CLIENTS}
_BY_CODE = {one.code: one for one in PROVIDERS}
_NAMES = {one.code: one.name for one in ALL}


def provider(code: str) -> Provider:
    """Return the provider with this code; a code that isn't known stands for any SAML identity provider."""
    return _BY_CODE.get(code, _BY_CODE[CUSTOM_CODE])


def name_of(code: str) -> str:
    """Return what the provider with this code is called, or nothing where none has it."""
    return _NAMES.get(code, "")


def monogram_of(code: str) -> str:
    """Return the letters on the tile of the provider with this code, or nothing where none has it."""
    return _MONOGRAMS.get(code, "")


def calls_every(code: str) -> timedelta:
    """Return how often the provider with this code calls when nothing has changed; zero where it isn't known to."""
    return _CALLS_EVERY.get(code, timedelta(0))


def is_name_of_deleted(name: str) -> bool:
    """Say whether a provider gives such a name to people whom it has deleted: nobody is renamed to it here."""
    return any(expression.fullmatch(name) for expression in _NAMES_OF_DELETED)


def creates_again(user_agent: str) -> bool:
    """Say whether the SCIM client that calls itself so creates people again whom it has set inactive."""
    return any(habits.creates_again for habits in _habits_of(user_agent))


def replaces_groups(user_agent: str) -> bool:
    """Say whether the SCIM client that calls itself so means an empty group by a PUT without `members`."""
    return any(habits.replaces_groups for habits in _habits_of(user_agent))


def _habits_of(user_agent: str) -> Iterator[ScimHabits]:
    named = user_agent.casefold()
    return (habits for _, habits in SCIM_CLIENTS if any(mark in named for mark in habits.user_agents))


def setups(first: str = "") -> tuple[Provider, ...]:
    """Return the providers of which we know how provisioning is set up there; the one with this code comes first."""
    known = (one for one, habits in SCIM_CLIENTS if not isinstance(habits.setup, Absent))
    return tuple(sorted(known, key=lambda one: one.code != first))


def why_unprovisioned(code: str) -> str:
    """Return why this provider can't provision by SCIM, or nothing where it can, or may be any."""
    scim = next((habits for one, habits in SCIM_CLIENTS if one.code == code), None)
    return scim.setup.reason if scim is not None and isinstance(scim.setup, Absent) else ""


def recognize(address: str) -> Provider | None:
    """Return whose metadata URL or entity ID this is, by its host alone: good for a hint, proof of nothing."""
    host = _host(address)
    known = ((one, end) for one in PROVIDERS for end in one.hosts)
    return next((one for one, end in known if host == end or host.endswith(f".{end}")), None)


def _host(address: str) -> str:
    """Return the host name in lower case, empty where there is none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:  # a bracket without its pair
        return ""
