"""An admin of Acme, a connection that is begun, and its IdP."""

import pytest
from django.test import Client

from tests.sso.idp import Idp
from tests.sso.metadata.acts import begin


@pytest.fixture
def admin(adam, sign_in) -> Client:
    return sign_in(adam)


@pytest.fixture
def begun(acme, olga):
    """A connection for JumpCloud that awaits its metadata."""
    return begin(acme)


@pytest.fixture
def idp(idp_keys, begun):
    return Idp.for_connection(idp_keys, begun, declares_redirect=False)
