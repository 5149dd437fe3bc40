"""What becomes of a rule's no: a page with its status, a message, or words at a field."""

import pytest
from django import forms
from django.contrib.messages.storage.base import BaseStorage
from django.test import RequestFactory

from orgs.base.errors import Conflict, NotFound, NotPermitted, RuleViolated
from orgs.base.refusals import form_status, shown_in, told
from portal.site.middleware import RefusalMiddleware


class NameForm(forms.Form):
    name = forms.CharField()


class Told(BaseStorage):
    """Keeps messages for this test alone."""

    def _get(self, *args, **kwargs):
        return [], True

    def _store(self, messages, response, *args, **kwargs):
        return []


@pytest.mark.parametrize(
    ("problem", "status"), [(NotFound, 404), (NotPermitted, 403), (Conflict, 409), (RuleViolated, 409)]
)
def test_refusal_that_no_view_shows_is_a_page_with_its_status_sentence_and_code(problem, status):
    answer = RefusalMiddleware(lambda request: None).process_exception(RequestFactory().get("/"), problem())
    assert answer.status_code == status
    assert problem.code in answer.content.decode()


def test_other_errors_stay_errors():
    assert RefusalMiddleware(lambda request: None).process_exception(RequestFactory().get("/"), ValueError()) is None


def test_refusal_is_shown_at_its_field():
    form = NameForm({"name": "Acme"})
    with shown_in(form, "name"):
        raise Conflict
    assert form.errors["name"] == [Conflict.public]
    assert (form_status(form), form_status(NameForm())) == (400, 200)


def test_refusal_is_a_message():
    request = RequestFactory().get("/")
    request._messages = Told(request)
    with told(request):
        raise RuleViolated
    assert [message.message for message in request._messages._queued_messages] == [RuleViolated.public]


@pytest.mark.parametrize(("problem", "passing"), [(NotFound, ()), (Conflict, (Conflict,)), (ValueError, ())])
def test_what_was_not_found_and_what_is_to_pass_goes_on(problem, passing):
    with pytest.raises(problem), shown_in(NameForm({}), "name", passing=passing):
        raise problem
