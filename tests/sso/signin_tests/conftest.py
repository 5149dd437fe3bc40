"""The admin who tests a connection."""

import pytest

from tests.sso.idp import Browser


@pytest.fixture
def tester(olga, sign_in) -> Browser:
    """Olga's browser, in which she is signed in by password."""
    return Browser(sign_in(olga))
