"""The core of a sign-in belongs to no protocol: a second one signs people in, and is refused, through the same code."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from orgs.base.clock import now
from orgs.people import services as people
from orgs.tenancy.models import SessionGrant
from orgs.tenancy.types import SuspensionSource
from sso.attempts.models import LoginAttempt
from sso.attempts.types import AttemptOutcome
from sso.connections import services as connections
from sso.connections.models import SamlIdentity
from sso.connections.types import SignInRules
from tests.factories import ACTOR, MembershipFactory
from tests.sso.identity.stub import IDP, token

pytestmark = pytest.mark.urls("tests.sso.identity.stub")
UMA = "uma@acme.example"


@dataclass
class StubBrowser:
    """A browser between the stub's IdP and us; what the IdP makes it post arrives without our cookies."""

    connection: Any
    client: Client = field(default_factory=Client)

    def leave(self) -> str:
        """Go to the login URL, and return the nonce of the request that leaves there."""
        response = self.client.get(f"/stub/{self.connection.public_id}/login?next=/orgs/acme/")
        assert response.status_code == 302
        assert response["Location"].startswith(IDP)
        return parse_qs(urlsplit(response["Location"]).query)["nonce"][0]

    def deliver(self, message: str) -> Any:
        response = Client().post(
            f"/stub/{self.connection.public_id}/acs",
            f"id_token={message}",
            content_type="application/x-www-form-urlencoded",
        )
        self.client.cookies.update(response.cookies)
        return response

    def sign_in(self, key: str, **said: Any) -> Any:
        """Go the whole way; returns the answer of the last stop."""
        said = {"id": "t1", "sub": "u-17", "email": UMA, "exp": now().timestamp() + 300} | said
        landed = self.deliver(token(key, nonce=self.leave(), **said))
        return self.client.get(landed["Location"]) if landed.status_code == 303 else landed


@pytest.fixture
def stub(connection):
    return StubBrowser(connection)


@pytest.fixture
def key(connection):
    return connection.configurations.get().idp_entity_id


@pytest.fixture
def uma(acme):
    return MembershipFactory(org=acme, email=UMA)


def newest() -> LoginAttempt:
    return LoginAttempt.objects.latest("id")


def test_a_person_signs_in_from_the_start_to_the_page(stub, key, uma):
    done = stub.sign_in(key)
    assert (done.status_code, done["Location"]) == (302, "/orgs/acme/")
    assert stub.client.get(done["Location"]).status_code == 200
    assert SessionGrant.objects.get(membership=uma).connection == stub.connection.public_id
    assert newest().outcome == AttemptOutcome.SIGNED_IN


def test_the_subject_is_linked_to_the_membership(stub, key, uma):
    stub.sign_in(key)
    linked = SamlIdentity.objects.get(membership=uma)
    assert (linked.name_id, linked.name_id_format) == ("u-17", "sub")


def test_a_linked_subject_is_the_same_person_under_another_address(stub, key, uma):
    stub.sign_in(key)
    done = StubBrowser(stub.connection).sign_in(key, id="t2", email="uma.unger@acme.example")
    assert done["Location"] == "/orgs/acme/"
    assert SessionGrant.objects.filter(membership=uma).count() == 2


def test_a_person_who_is_new_joins_where_the_connection_lets_them(stub, key, acme):
    connections.change_rules(connection=stub.connection, rules=SignInRules(jit=True), actor=ACTOR)
    assert stub.sign_in(key)["Location"] == "/orgs/acme/"
    assert acme.memberships.get(email=UMA).is_active


def test_a_forged_token_is_refused_with_what_to_change(stub, uma):
    refused = stub.sign_in("another key")
    assert (refused.status_code, newest().error, newest().setting) == (403, "stub_token_forged", "metadata")
    assert not SessionGrant.objects.filter(membership=uma).exists()


def test_a_token_that_came_too_late_is_refused(stub, key, uma):
    stub.sign_in(key, exp=now().timestamp() - 1)
    assert newest().error == "assertion_expired"


def test_a_token_that_came_before_is_refused(stub, key, uma):
    said = {"id": "t1", "sub": "u-17", "email": UMA, "exp": now().timestamp() + 300, "nonce": stub.leave()}
    assert stub.client.get(stub.deliver(token(key, **said))["Location"]).status_code == 302
    stub.deliver(token(key, **said))
    assert newest().error == "assertion_replayed"


def test_an_answer_to_another_browsers_request_is_refused(stub, key, uma):
    theirs = StubBrowser(stub.connection).leave()
    message = token(key, id="t9", sub="u-17", email=UMA, exp=now().timestamp() + 300, nonce=theirs)
    refused = stub.client.get(stub.deliver(message)["Location"])
    assert (refused.status_code, newest().error) == (403, "request_unknown")


def test_a_suspended_member_is_refused(stub, key, uma):
    people.suspend_membership(membership=uma, source=SuspensionSource.ADMIN, actor=ACTOR)
    assert (stub.sign_in(key).status_code, newest().error) == (403, "member_suspended")


def test_an_address_outside_of_the_verified_domains_is_refused(stub, key, uma):
    assert stub.sign_in(key, email="uma@elsewhere.example").status_code == 403
    assert newest().error == "domain_not_verified"


def test_an_unsolicited_answer_starts_afresh_by_the_same_protocol(stub, key, uma):
    message = token(key, id="t1", sub="u-17", email=UMA, exp=now().timestamp() + 300)
    assert stub.deliver(message)["Location"] == f"/stub/{stub.connection.public_id}/login?again=1"
