"""The ways in which identity providers glue a path to a base URL; each of them has to reach the same resource."""

from orgs.providers import checks
from orgs.providers.steps import ScimStep

# admins paste a base URL with a trailing slash; Entra's flag is part of the tenant URL, before or after the path
SPELLINGS = {
    "plain": "/{resource}",
    "trailing-slash": "/{resource}/",
    "double-slash": "//{resource}",
    "double-and-trailing-slash": "//{resource}/",
    "flag-after-path": "/{resource}?aadOptscim062020",
    "flag-before-path": "?aadOptscim062020/{resource}",
    "flag-with-slash": "/?aadOptscim062020/{resource}",
}


def spelling_steps(resource: str = "Users") -> tuple[ScimStep, ...]:
    """Return one listing per spelling; none of them changes anything."""
    return tuple(
        ScimStep(
            name=f"list-{resource.lower()}-{name}",
            label=f"List {resource.lower()}, base URL written another way: {name}",
            method="GET",
            path=template.replace("{resource}", resource),
            checks=checks.LISTED,
        )
        for name, template in SPELLINGS.items()
    )
