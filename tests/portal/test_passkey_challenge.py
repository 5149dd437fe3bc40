"""Asking for a passkey's challenge writes nothing, and a challenge counts once, in the browser that asked."""

from typing import Any

import pytest
from allauth.mfa.webauthn.internal import auth
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from portal.site.passkeys import COOKIE

OPTIONS = {"X-Requested-With": "XMLHttpRequest"}


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What allauth was given as the challenge of each answer that was posted."""
    found: list[Any] = []

    def refuse(user: Any, response: Any) -> None:
        found.append(auth.get_state())
        raise auth.get_adapter().validation_error("incorrect_code")

    monkeypatch.setattr(auth, "parse_authentication_response", lambda response: None)
    monkeypatch.setattr(auth, "extract_user_from_response", lambda response: None)
    monkeypatch.setattr(auth, "complete_authentication", refuse)
    return found


def ask(client: Client) -> Any:
    return client.get(reverse("mfa_login_webauthn"), headers=OPTIONS)


def answer(client: Client) -> Any:
    return client.post(reverse("mfa_login_webauthn"), {"credential": '{"rawId": "AA", "response": {}}'})


def test_two_hundred_passkey_challenges_create_no_session(db):
    challenges = {ask(Client()).json()["request_options"]["publicKey"]["challenge"] for _ in range(200)}
    assert len(challenges) == 200
    assert not Session.objects.exists()


def test_passkey_answer_is_checked_against_the_browsers_own_challenge(db, states):
    client = Client()
    challenge = ask(client).json()["request_options"]["publicKey"]["challenge"]
    answer(client)
    assert [state["challenge"] for state in states] == [challenge]
    assert COOKIE not in client.cookies or not client.cookies[COOKIE].value
    assert not Session.objects.exists()


def test_passkey_challenge_is_accepted_once(db, states):
    client = Client()
    ask(client)
    kept = client.cookies[COOKIE].value
    answer(client)
    client.cookies[COOKIE] = kept
    answer(client)
    assert [state is None for state in states] == [False, True]


@pytest.mark.parametrize("cookie", ["", "nonsense"])
def test_passkey_challenge_is_ignored_when_its_signature_is_wrong(db, states, cookie):
    client = Client()
    client.cookies[COOKIE] = cookie
    answer(client)
    assert states == [None]


def test_passkey_challenge_cookie_is_http_only_and_same_site_strict(db):
    client = Client()
    ask(client)
    cookie = client.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Strict", 300)


def test_passkey_challenge_view_returns_405_for_other_methods(db):
    assert Client().put(reverse("mfa_login_webauthn")).status_code == 405
