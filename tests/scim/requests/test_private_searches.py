"""What a search compares may be private, too, and a name is remembered only where it is short."""

import json
from urllib.parse import quote

import pytest

from scim.protocol.schemas import SEARCH_REQUEST
from scim.requests import services
from scim.requests.models import RequestLog, RequestSubject
from scim.requests.queries import exported
from tests.scim.bodies import user_body

CANARY = "canary-7f3a"


@pytest.mark.parametrize("length", [100, 101])
def test_only_short_names_are_remembered(length):
    services._is_private.cache_clear()
    services.is_private("n" * length)
    assert services._is_private.cache_info().currsize == (length <= services.LONGEST_KNOWN_NAME)


@pytest.mark.parametrize(
    "expression", ['phoneNumbers.value eq "{}"', 'password eq "{}"', "password eq {}", 'password eq "a" "{}"']
)
def test_value_of_a_private_filter_is_nowhere_in_the_log(scim, expression):
    asked = expression.format(CANARY)
    scim.get(f"/Users?filter={quote(asked)}")
    scim.post("/Users/.search", {"schemas": [SEARCH_REQUEST], "filter": asked})
    rows = [json.dumps(exported(row)) + row.request_body + row.response_body for row in RequestLog.objects.all()]
    assert (len(rows), CANARY in "".join(rows), RequestSubject.objects.exists()) == (2, False, False)


def test_search_by_post_is_logged_without_its_answer(scim):
    scim.post("/Users", user_body())
    scim.post("/Users/.search", {"schemas": [SEARCH_REQUEST], "filter": "title pr"})
    row = RequestLog.objects.order_by("-id")[0]
    assert (row.response_body, '"title pr"' in row.request_body) == ("", True)
