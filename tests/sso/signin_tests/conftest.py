"""A connection before its first test, and the admin who tests it."""

import pytest

from tests.sso.idp import Browser


@pytest.fixture
def untested(draft):
    return draft[0]


@pytest.fixture
def tester(olga, sign_in) -> Browser:
    """Olga's browser, in which she is signed in by password."""
    return Browser(sign_in(olga))
