"""An exception after each write of a finish: the browser is in with all that belongs to it, or nothing is left."""

from typing import Any

import pytest
from django.apps import apps
from django.test import Client

from orgs.tenancy.models import Membership
from sso.attempts.models import LoginAttempt
from sso.attempts.types import AttemptOutcome
from sso.connections import services
from sso.connections.types import SignInRules
from tests.factories import ACTOR
from tests.faults.test_injected_failures import failing_after_write
from tests.sso.conftest import connection, draft, idp, idp_keys  # noqa: F401 - fixtures
from tests.sso.idp import Browser

pytestmark = pytest.mark.django_db(transaction=True)
UMA = "uma@acme.example"
# a verified response, and the request that it answers, are used up by the try, whatever comes of it
KEPT = {"sso.pendingsignin", "sso.consumedassertion", "sso.usedrequest"}


def rows() -> dict[str, list[Any]]:
    """Return every row of our tables but those that a failed finish may leave."""
    models = [model for label in ("orgs", "sso") for model in apps.get_app_config(label).get_models()]
    kept = [model for model in models if model._meta.label_lower not in KEPT]
    return {model._meta.label_lower: list(model._default_manager.order_by("pk").values_list()) for model in kept}


def landed(connection, idp, email) -> tuple[Browser, Any]:  # noqa: F811
    browser = Browser(Client(raise_request_exception=False))
    return browser, browser.deliver(connection, idp.respond(email, browser.leave(connection)))


def signed_in(email) -> bool:
    return LoginAttempt.objects.filter(outcome=AttemptOutcome.SIGNED_IN, email=email).exists()


def test_finish_that_fails_after_any_write_changes_nothing(connection, idp, uma):  # noqa: F811
    number, refused = 0, 0
    while not signed_in(UMA):
        number += 1
        browser, response = landed(connection, idp, UMA)
        before = rows()
        with failing_after_write(number):
            status = browser.follow(response).status_code
        if not signed_in(UMA):
            refused += 1
            assert (status, browser.reaches()) == (500, [])
            assert rows() == before, f"left by a failure after write {number}"
    # the membership, its identity, grant, events and log
    assert refused > 5


def test_new_person_whose_finish_fails_after_any_write_joins_at_the_next_attempt(connection, idp, olga):  # noqa: F811
    services.change_rules(connection=connection, rules=SignInRules(jit=True), actor=ACTOR)
    for number in range(1, 40):
        email = f"new{number}@acme.example"
        browser, response = landed(connection, idp, email)
        with failing_after_write(number) as done:
            browser.follow(response)
        again, response = landed(connection, idp, email)
        assert again.follow(response).status_code == 302
        assert again.reaches() == ["acme"]
        assert Membership.objects.filter(email=email).count() == 1
        if len(done) < number:
            break
    assert number > 12
