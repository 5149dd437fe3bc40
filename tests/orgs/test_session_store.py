"""Sessions: one that is new is stored once, and what is refused is told as Django tells it."""

import pytest
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.contrib.sessions.models import Session

from orgs.base.sessions import SessionStore

pytestmark = pytest.mark.django_db


def stored(**held) -> SessionStore:
    session = SessionStore()
    session.update(held)
    session.save()
    return session


def test_a_new_key_is_stored_when_the_session_is_saved(django_assert_num_queries):
    session = SessionStore()
    session["colour"] = "green"
    with django_assert_num_queries(0):
        session.cycle_key()
    assert not Session.objects.exists()
    session.save()
    assert SessionStore(session.session_key)["colour"] == "green"


def test_a_session_that_is_saved_again_is_changed():
    session = stored(colour="green")
    session["colour"] = "blue"
    session.save()
    assert (SessionStore(session.session_key)["colour"], Session.objects.count()) == ("blue", 1)


def test_a_session_that_was_stored_before_moves_to_its_new_key():
    session = stored(colour="green")
    former = session.session_key
    session.cycle_key()
    assert Session.objects.get().session_key == session.session_key != former
    assert SessionStore(session.session_key)["colour"] == "green"


def test_a_key_that_is_taken_is_refused_to_a_new_session():
    taken = stored().session_key
    session = SessionStore()
    session.cycle_key()
    session._session_key = taken
    with pytest.raises(CreateError):
        session.save()


def test_a_session_that_has_ended_meanwhile_is_not_stored_again():
    session = stored(colour="green")
    Session.objects.all().delete()
    with pytest.raises(UpdateError):
        session.save()
    assert not Session.objects.exists()
