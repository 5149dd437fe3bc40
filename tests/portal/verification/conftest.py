"""Browsers and organizations that the tests of verification share."""

import pytest
from django.test import Client

from orgs.tenancy.models import User
from tests.portal.test_accounts import confirm_identity, enter


@pytest.fixture
def stranger_in(stranger: User) -> Client:
    client, _ = enter(stranger.email)
    confirm_identity(client)
    return client
