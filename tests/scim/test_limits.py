"""How much a token and a stranger may send; what strangers do doesn't stop an identity provider."""

from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum
from django.test import Client
from django.test.utils import CaptureQueriesContext

from scim.directories.services import revoke_token
from scim.endpoint import limits as module
from scim.endpoint.limits import WRITE_WEIGHT, Limiter, limits
from scim.protocol.schemas import ERROR
from scim.requests.models import RefusedCalls
from tests.conftest import ScimClient
from tests.factories import ACTOR, TokenFactory
from tests.scim.bodies import user_body

STRANGER = "192.0.2.7"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = 1000.0

    def __call__(self) -> float:
        return self.moment


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "monotonic", clock)
    return clock


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    """Five reads at once and one a second, for a token; as many requests for a stranger."""
    monkeypatch.setattr(limits, "of_token", Limiter(1, 5))
    monkeypatch.setattr(limits, "of_stranger", Limiter(1, 5))


def knock(scim: ScimClient, token: str = "ghs_wrong", address: str = STRANGER) -> Any:
    """Call the directory with a token from an address. Returns the response."""
    path = f"/scim/v2/{scim.directory.public_id}/Users"
    return Client().get(path, headers={"Authorization": f"Bearer {token}"}, REMOTE_ADDR=address)


def statuses(*responses: Any) -> list[int]:
    return [response.status_code for response in responses]


# the limiter


def test_take_allows_the_burst_and_then_the_rate_per_second(clock):
    limiter = Limiter(2, 3)
    assert [limiter.take("a") for _ in range(4)] == [0, 0, 0, 0.5]
    clock.moment += 1
    assert [limiter.take("a") for _ in range(3)] == [0, 0, 0.5]


def test_bucket_fills_up_to_its_burst_only(clock):
    limiter = Limiter(2, 3)
    limiter.take("a")
    clock.moment += 3600
    assert [limiter.take("a") for _ in range(4)] == [0, 0, 0, 0.5]


def test_each_key_has_its_own_bucket(clock):
    limiter = Limiter(1, 1)
    assert [limiter.take("a"), limiter.take("b")] == [0, 0]


def test_wait_does_not_take_from_the_bucket(clock):
    limiter = Limiter(1, 1)
    assert [limiter.wait("a"), limiter.wait("a"), limiter.take("a"), limiter.wait("a")] == [0, 0, 0, 1]


def test_limiter_drops_the_longest_unused_bucket_when_there_are_too_many(clock, monkeypatch):
    monkeypatch.setattr(module, "MOST_KEYS", 2)
    limiter = Limiter(1, 1)
    for key in ("a", "b", "a", "c"):
        limiter.take(key)
    assert set(limiter.buckets) == {"a", "c"}


# a token


def test_request_over_the_token_limit_returns_429_in_scim_form(scim, narrow):
    answers = [scim.get("/Users") for _ in range(6)]
    assert statuses(*answers) == [200] * 5 + [429]
    body = answers[-1].json()
    assert answers[-1].headers["Retry-After"] == "1"
    assert answers[-1].headers["Content-Type"] == "application/scim+json"
    assert (body["schemas"], body["status"]) == ([ERROR], "429")
    assert "again in 1 s" in body["detail"]


def test_token_is_accepted_again_after_the_retry_after_time(scim, narrow, clock):
    for _ in range(6):
        last = scim.get("/Users")
    clock.moment += int(last.headers["Retry-After"])
    assert scim.get("/Users").status_code == 200


def test_create_user_over_the_token_limit_returns_429_and_creates_nothing(scim, narrow):
    for _ in range(5):
        scim.get("/Users")
    assert scim.post("/Users", user_body()).status_code == 429
    assert scim.directory.users.count() == 0


def test_requests_over_the_token_limit_take_no_queries_and_share_one_log_row(scim, narrow, django_assert_num_queries):
    for _ in range(6):
        scim.get("/Users")
    with django_assert_num_queries(0):
        assert statuses(*(scim.get("/Users") for _ in range(20))) == [429] * 20
    row = RefusedCalls.objects.get(status=429)
    assert (row.count, row.token.directory) == (1, scim.directory)
    assert "more requests than are taken at once" in row.cause


def test_requests_over_the_token_limit_are_logged_again_after_a_minute(scim, narrow, clock):
    for _ in range(6):
        scim.get("/Users")
    clock.moment += 60
    for _ in range(6):
        scim.get("/Users")
    assert RefusedCalls.objects.filter(status=429).aggregate(total=Sum("count")) == {"total": 2}


def test_token_over_its_limit_does_not_limit_another_token(scim, narrow):
    other = TokenFactory(directory=scim.directory).plain
    for _ in range(6):
        scim.get("/Users")
    assert scim.get("/Users", Authorization=f"Bearer {other}").status_code == 200


def test_counting_requests_takes_no_query(scim, monkeypatch):
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert scim.get("/Users").status_code == 200
        return len(captured)

    scim.get("/Users")
    with_limits = statements()
    for name in ("check", "note_admission"):
        monkeypatch.setattr(limits, name, lambda *given: None)
    assert with_limits == statements()


def test_token_limit_allows_a_first_sync_of_ten_thousand_users(settings, clock):
    """Eight clients without a pause, as fast as this service has ever answered: 150 requests a second together."""
    limiter = Limiter(*settings.SCIM_TOKEN_LIMIT)
    held_back = 0.0
    for _ in range(20_000):
        held_back += limiter.take("token", WRITE_WEIGHT)
        clock.moment += 1 / 150
    assert held_back == 0


# strangers


def test_caller_over_the_limit_without_a_valid_token_gets_429_without_a_query(scim, narrow, django_assert_num_queries):
    assert statuses(*(knock(scim) for _ in range(5))) == [401] * 5
    with django_assert_num_queries(0):
        refused = knock(scim)
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "1"
    assert refused.json()["detail"].startswith("Too many requests without a valid token came from this address.")


@pytest.mark.parametrize("token", ["", "ghs_ünïcode", "x" * 600])
def test_request_with_no_well_formed_token_counts_toward_the_limit_of_its_address(scim, narrow, token):
    assert statuses(*(knock(scim, token) for _ in range(6))) == [401] * 5 + [429]


def test_address_limit_counts_all_unknown_tokens_and_directories_together(scim, narrow, globex):
    for number in range(5):
        knock(scim, f"ghs_{number}")
    path = "/scim/v2/00000000-0000-0000-0000-000000000000/Users"
    assert Client().get(path, REMOTE_ADDR=STRANGER).status_code == 429


def test_address_over_its_limit_gets_one_more_attempt_each_second(scim, narrow, clock):
    for _ in range(6):
        knock(scim)
    clock.moment += 1
    assert statuses(knock(scim), knock(scim)) == [401, 429]


def test_address_over_its_limit_does_not_limit_another_address(scim, narrow):
    for _ in range(6):
        knock(scim)
    assert knock(scim, scim.token, "198.51.100.1").status_code == 200


def test_address_over_its_limit_does_not_limit_a_token_already_in_use_there(scim, narrow):
    knock(scim, scim.token)
    for _ in range(6):
        knock(scim)
    assert knock(scim, scim.token).status_code == 200


def test_new_token_is_accepted_a_second_after_its_address_reached_the_limit(scim, narrow, clock):
    for _ in range(6):
        knock(scim)
    assert knock(scim, scim.token).status_code == 429
    clock.moment += 1
    assert statuses(knock(scim, scim.token), knock(scim, scim.token)) == [200, 200]


def test_revoked_token_counts_toward_the_limit_of_its_address(scim, narrow):
    knock(scim, scim.token)
    revoke_token(token=scim.directory.tokens.get(), actor=ACTOR)
    assert statuses(*(knock(scim, scim.token) for _ in range(6))) == [401] * 5 + [429]


@pytest.mark.parametrize(
    ("other", "expected"), [("2001:db8::ffff", 429), ("2001:db8:0:1::1", 401)], ids=["same network", "another"]
)
def test_address_limit_counts_one_ipv6_network_as_one_address(scim, narrow, other, expected):
    for number in range(1, 6):
        knock(scim, address=f"2001:db8::{number}")
    assert knock(scim, address=other).status_code == expected


def test_address_limit_counts_callers_without_a_known_address_together(scim, narrow):
    assert statuses(*(knock(scim, address="") for _ in range(6))) == [401] * 5 + [429]


def test_number_of_remembered_admitted_tokens_is_bounded(scim, monkeypatch):
    monkeypatch.setattr(module, "MOST_KEYS", 1)
    other = TokenFactory(directory=scim.directory).plain
    assert statuses(knock(scim, scim.token), knock(scim, other)) == [200, 200]
    assert len(limits.admitted) == 1
