"""Strangers who sign up with an address again and again don't undo what its reader does."""

from typing import Any

import pytest
from django.test import Client

from orgs.tenancy.models import User
from orgs.tenancy.queries import account_for_address
from orgs.tenancy.services.accounts import MOST_CLAIMS
from tests.portal.test_accounts import NEW_PASSWORD, sign_up
from tests.portal.verification.codes import NEWHIRE, code_in, last_mail, signed_up, type_code


def sign_up_from(network_address: str) -> Any:
    fields = {"email": NEWHIRE, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    return Client(REMOTE_ADDR=network_address).post("/accounts/signup/", fields)


@pytest.mark.django_db
def test_sign_up_returns_429_and_creates_no_account_over_the_code_limit_of_its_address() -> None:
    reader, _ = sign_up(NEWHIRE)
    code = code_in(last_mail())
    answers = [sign_up_from(f"10.0.0.{number}").status_code for number in range(1, MOST_CLAIMS + 6)]
    assert answers[-6:] == [429] * 6
    assert User.objects.count() == MOST_CLAIMS
    type_code(reader, code)
    assert account_for_address(NEWHIRE) is not None


@pytest.mark.django_db
def test_sign_up_limit_of_an_address_is_the_same_when_an_account_has_verified_it() -> None:
    type_code(signed_up(), code_in(last_mail()))
    answers = [sign_up_from(f"10.0.0.{number}").status_code for number in range(1, MOST_CLAIMS + 6)]
    assert answers[-6:] == [429] * 6
