from orgs.base.text import address_domain
from orgs.domains.models import Domain
from orgs.domains.types import DomainState
from orgs.tenancy.models import Organization


def has_verified(org: Organization, address: str) -> bool:
    """Say whether the organisation has proved the domain of this address. A parent domain doesn't prove its children."""
    return Domain.objects.filter(org=org, name_key=address_domain(address), state=DomainState.VERIFIED).exists()
