from uuid import UUID

from django.db.models import QuerySet

from orgs.providers.habits import CallSequence
from orgs.providers.registry import PROVIDERS, provider
from orgs.providers.types import Absent
from orgs.tenancy.models import Organization
from scim.directories.models import Directory
from scim.rehearsal.models import Rehearsal
from scim.rehearsal.types import SHOWN, RehearsalUnknown


def rehearsable() -> list[tuple[str, str]]:
    """Return code and name of each provider whose calls are known in their order."""
    return [(each.code, each.name) for each in PROVIDERS if calls_of(each.code) is not None]


def calls_of(code: str) -> CallSequence | None:
    """Return the calls of a provider, or None where nobody knows them."""
    scim = provider(code).scim
    calls = None if isinstance(scim, Absent) else scim.calls
    return None if isinstance(calls, Absent) else calls


def find_rehearsal(org: Organization, public_id: UUID) -> Rehearsal:
    """Raises RehearsalUnknown."""
    found = Rehearsal.objects.filter(org=org, public_id=public_id).select_related("directory__org").first()
    if found is None:
        raise RehearsalUnknown
    return found


def list_rehearsals(directory: Directory) -> QuerySet[Rehearsal]:
    """Return the newest rehearsals of a directory, without their steps."""
    return Rehearsal.objects.filter(org_id=directory.org_id, directory=directory).defer("steps")[:SHOWN]
