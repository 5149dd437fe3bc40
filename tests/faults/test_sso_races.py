"""Sign-ins at the same moment, beside a suspension, and after a restart."""

import os
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import OperationalError, transaction
from django.db import connection as database
from django.test import Client

from orgs.domains import services as domains
from orgs.domains.models import Domain
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy import queries as tenancy
from orgs.tenancy.models import Membership, MembershipAddress, SessionGrant
from orgs.tenancy.types import MembershipOrigin, SuspensionSource
from sso.attempts.models import LoginAttempt
from sso.attempts.types import AttemptOutcome
from sso.connections import queries, services
from sso.connections.errors import IdentityUnknown, NotTested
from sso.connections.models import Configuration
from sso.connections.types import AttributeChoice, SignInRules, Stage
from sso.signin.models import ConsumedAssertion, PendingSignIn, UsedRequest
from sso.versions import services as versions
from tests.architecture.source import ROOT
from tests.factories import ACTOR
from tests.faults.test_races import all_at_once
from tests.sso.conftest import browser, connection, draft, idp, idp_keys, verify  # noqa: F401 - fixtures
from tests.sso.idp import Browser

pytestmark = pytest.mark.django_db(transaction=True)
UMA = "uma@acme.example"


def test_concurrent_posts_of_one_response_are_accepted_once(connection, idp, uma, browser):  # noqa: F811
    response = idp.respond(UMA, browser.leave(connection))
    pendings = all_at_once([lambda: Browser().deliver(connection, response)] * 16)
    stops = Counter(urlsplit(landed["Location"]).path.rpartition("/")[2] for landed in pendings)
    assert stops == {"finish": 1, "answered": 15}
    assert ConsumedAssertion.objects.count() == PendingSignIn.objects.count() == 1
    assert LoginAttempt.objects.filter(error="assertion_replayed").count() == 15
    assert not SessionGrant.objects.exists()


def test_concurrent_finishes_of_one_sign_in_succeed_once(connection, idp, uma, browser):  # noqa: F811
    landed = browser.deliver(connection, idp.respond(UMA, browser.leave(connection)))
    cookies = {name: cookie.value for name, cookie in browser.client.cookies.items()}

    def finish() -> int:
        client = Client()
        for name, value in cookies.items():
            client.cookies[name] = value
        return int(client.get(landed["Location"]).status_code)

    assert Counter(all_at_once([finish] * 8)) == {302: 1, 403: 7}
    assert SessionGrant.objects.count() == 1


def test_concurrent_finishes_of_two_answers_to_one_request_succeed_once(connection, idp, uma, adam):  # noqa: F811
    for _ in range(5):
        first = Browser()
        request = first.leave(connection)
        second = Browser(relay_state=first.relay_state)
        for name, cookie in first.client.cookies.items():
            second.client.cookies[name] = cookie.value
        landed = [
            (one, one.deliver(connection, idp.respond(email, request)))
            for one, email in ((first, UMA), (second, adam.email))
        ]
        found = all_at_once([lambda pair=pair: pair[0].follow(pair[1]).status_code for pair in landed])
        assert sorted(found) == [302, 403]
        assert sorted([first.reaches(), second.reaches()]) == [[], ["acme"]]
        assert LoginAttempt.objects.filter(outcome=AttemptOutcome.REFUSED).first().error == "request_unknown"
    assert UsedRequest.objects.count() == SessionGrant.objects.count() == 5


def test_concurrent_tabs_of_a_new_person_create_one_membership(connection, idp, browser):  # noqa: F811
    services.change_rules(connection=connection, rules=SignInRules(jit=True), actor=ACTOR)
    browsers = [Browser() for _ in range(8)]
    answers = [(one, idp.respond("new@acme.example", one.leave(connection))) for one in browsers]

    def arrive(one: Browser, answer: str) -> int:
        return int(one.follow(one.deliver(connection, answer)).status_code)

    statuses = all_at_once([lambda pair=pair: arrive(*pair) for pair in answers])
    assert statuses == [302] * 8
    assert Membership.objects.filter(email="new@acme.example").count() == 1


def test_suspension_concurrent_with_a_finish_leaves_no_open_session(connection, idp, uma):  # noqa: F811
    for _ in range(5):
        one = Browser()
        landed = one.deliver(connection, idp.respond(UMA, one.leave(connection)))
        all_at_once(
            [
                lambda one=one, landed=landed: one.follow(landed).status_code,
                lambda: people.suspend_membership(membership=uma, source=SuspensionSource.SCIM, actor=ACTOR),
            ]
        )
        assert one.reaches() == []
        assert not SessionGrant.objects.filter(membership=uma).exists()
        people.lift_suspension(membership=uma, source=SuspensionSource.SCIM, actor=ACTOR)
        assert one.reaches() == []
        assert list(tenancy.active_memberships_of(uma.user))


def test_turn_off_concurrent_with_a_finish_leaves_no_session(connection, idp, uma):  # noqa: F811
    for _ in range(5):
        services.turn_on(connection=connection, actor=ACTOR, without_test=True)
        one = Browser()
        landed = one.deliver(connection, idp.respond(UMA, one.leave(connection)))
        found = all_at_once(
            [
                lambda one=one, landed=landed: one.follow(landed).status_code,
                lambda: services.turn_off(connection=connection, actor=ACTOR),
            ]
        )
        assert found[0] in {302, 403}
        assert not SessionGrant.objects.exists()


def test_domain_removal_concurrent_with_a_finish_leaves_no_session(connection, idp, uma):  # noqa: F811
    for _ in range(5):
        one = Browser()
        landed = one.deliver(connection, idp.respond(UMA, one.leave(connection)))
        domain = Domain.objects.get(name_key="acme.example")
        found = all_at_once(
            [
                lambda one=one, landed=landed: one.follow(landed).status_code,
                lambda domain=domain: domains.remove_domain(domain=domain, actor=ACTOR),
            ]
        )
        assert found in ([302, None], [403, None])
        assert not SessionGrant.objects.exists()
        verify(connection.org, "acme.example")


@pytest.mark.postgres
def test_finish_locks_the_domain_until_the_session_grant_is_committed(connection, idp, uma, browser, monkeypatch):  # noqa: F811
    """A removal that begins behind the grant, and before its commit, must wait: it couldn't see what it has to end."""

    @transaction.atomic
    def take() -> None:
        Domain.objects.select_for_update(nowait=True).get(name_key="acme.example")

    note, found = people.record_membership_sign_in, []

    def try_first(*, membership):
        found.extend(all_at_once([take]))
        note(membership=membership)

    monkeypatch.setattr(people, "record_membership_sign_in", try_first)
    assert browser.sign_in(idp, connection, UMA).status_code == 302
    assert [type(one) for one in found] == [OperationalError]


def test_turn_on_concurrent_with_an_edit_never_activates_an_untested_version(draft):  # noqa: F811
    made = draft[0]
    version = queries.in_preparation(made)
    versions.note_test_passed(configuration=version, revision=version.revision, tester="olga", actor=ACTOR)
    choice = AttributeChoice({"email": "mail"})
    found = all_at_once(
        [
            lambda: services.turn_on(connection=made, actor=ACTOR),
            lambda: versions.choose_attributes(connection=made, choice=choice, revision=version.revision, actor=ACTOR),
        ]
    )
    live = Configuration.objects.filter(stage=Stage.LIVE).first()
    assert live is None or (live.attribute_map == {} and live.tested_at is not None)
    assert live is not None or any(isinstance(one, NotTested) for one in found)


SCRIPT = """
import sys, django
django.setup()
from django.conf import settings
from django.db import connections
settings.ALLOWED_HOSTS = ["testserver"]
connections["default"].settings_dict["NAME"] = sys.argv[1]
from django.test import Client
from urllib.parse import urlencode
form, kind = urlencode({"SAMLResponse": sys.stdin.read()}), "application/x-www-form-urlencoded"
landed = Client().generic("POST", sys.argv[2], form, content_type=kind)
print(landed.status_code, Client().get(landed.headers["Location"]).status_code)
"""


def test_used_response_is_refused_after_a_restart(connection, idp, uma, browser):  # noqa: F811
    """Another process on the same database: nothing that guards against replay is in memory."""
    response = idp.respond(UMA, browser.leave(connection))
    assert browser.deliver(connection, response).status_code == 303
    environment = {"DJANGO_SETTINGS_MODULE": "portal.settings.test", "PATH": ""}
    if database.vendor == "postgresql":
        environment["DATABASE_URL"] = os.environ["DATABASE_URL"]
    command = [sys.executable, "-c", SCRIPT, str(database.settings_dict["NAME"]), f"/saml/{connection.public_id}/acs"]
    done: Any = subprocess.run(
        command, cwd=ROOT, env=environment, input=response, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "303 403", done.stderr
    assert (ConsumedAssertion.objects.count(), LoginAttempt.objects.get().error) == (1, "assertion_replayed")


@pytest.mark.parametrize("number", range(5))
def test_forget_former_address_concurrent_with_its_reassignment_leaves_it_former(connection, acme, number):  # noqa: F811
    former, renamed = f"alice{number}@acme.example", f"smith{number}@acme.example"
    alice = people.create_membership(org=acme, profile=Profile(former), origin=MembershipOrigin.SCIM, actor=ACTOR)
    people.update_profile(membership=alice, profile=Profile(renamed), actor=ACTOR)

    def forget() -> None:
        with suppress(IdentityUnknown):
            services.forget_former_address(connection=connection, membership=alice, address=former, actor=ACTOR)

    def take() -> None:
        people.create_membership(org=acme, profile=Profile(former), origin=MembershipOrigin.SCIM, actor=ACTOR)

    all_at_once([forget, take])
    kinds = sorted(MembershipAddress.objects.filter(org=acme, address_key=former).values_list("kind", flat=True))
    assert kinds == ["current", "former"]
