"""A call can be copied as a curl command, with a placeholder for the token."""

import shlex

import pytest

from scim.activity.queries import as_curl
from scim.requests.models import RequestLog
from tests.scim.bodies import user_body

LOG = "/orgs/acme/settings/provisioning-log/"


@pytest.fixture
def command(scim):
    def latest():
        return as_curl(RequestLog.objects.order_by("-id").first())

    return latest


def test_curl_command_has_method_url_token_placeholder_and_body(scim, command):
    scim.post("/Users", user_body())
    words = shlex.split(command())
    assert words[:4] == ["curl", "-X", "POST", f"http://testserver/scim/v2/{scim.directory.public_id}/Users"]
    assert "Authorization: Bearer $TOKEN" in words
    assert '"userName": "nora@acme.example"' in words[-1]


def test_curl_command_has_the_query_in_one_word(scim, command):
    scim.get("/Users?filter=userName+eq+%22it's%22&count=1")
    assert shlex.split(command())[3].endswith("/Users?filter=userName+eq+%22it's%22&count=1")


def test_curl_command_holds_no_token(scim, command):
    scim.post("/Users", user_body())
    assert scim.token not in command()


@pytest.mark.parametrize("body", ["", "not JSON", '{"a":'])
def test_curl_command_leaves_out_a_body_that_the_log_has_not_in_full(scim, command, body):
    scim("POST", "/Users", body)
    assert "--data" not in command()


def test_text_of_a_caller_cannot_end_a_word_of_the_command(scim, command):
    scim.post("/Users", user_body(title="x'; rm -rf / #"))
    assert shlex.split(command())[-2] == "--data-raw"


@pytest.mark.parametrize("method", ["`ID`", "$(ID)", "A;B|C&D", "$IFS'"])
def test_method_of_a_caller_is_one_word_of_the_command(scim, command, method):
    scim(method, "/Users")
    assert shlex.quote(method) in command()
    assert shlex.split(command())[2] == method


def test_path_of_a_caller_is_written_as_it_was_called(scim, command):
    scim.get("/Users/a%3Fb%20%23c%0A")
    assert shlex.split(command())[3].endswith("/Users/a%3Fb%20%23c%0A")


def test_page_of_a_call_shows_the_command(scim, sign_in, olga):
    scim.post("/Users", user_body())
    page = sign_in(olga).get(f"{LOG}{RequestLog.objects.get().public_id}/").content.decode()
    assert "curl -X POST" in page
    assert "Bearer $TOKEN" in page
