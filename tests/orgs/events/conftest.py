"""Deliveries and nudges, noted."""

import pytest

from orgs.events import types
from tests.orgs.events.outbox import KIND


@pytest.fixture
def delivered():
    """The keys that were delivered, in their order."""
    found = []
    types.delivers(KIND)(lambda event: found.append(event.key))
    yield found
    types._deliveries.pop(KIND)
