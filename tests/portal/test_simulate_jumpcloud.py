"""The command against a server of the test's own: verdict, exit code, and what it shows of a failure."""

import io
import json
from collections.abc import Callable

import httpx
import pytest
from django.core.management import CommandError, call_command

from orgs.providers.steps import StepRequest, StepResponse
from portal.management.commands import simulate_jumpcloud
from portal.simulator.plan import Plan, simulate
from scim.dialects.client import ScimServer, sender
from scim.dialects.walk import NoAnswerError
from tests.orgs.providers.small_directory import SmallDirectory, failure

BASE, TOKEN, EMAIL = "http://scim.example/v2", "ghs_secret-of-the-test", "new@acme.example"


class Served:
    """A small directory behind a base URL, and the requests that reached it."""

    def __init__(self, directory: SmallDirectory) -> None:
        self.directory = directory
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        target = request.url.raw_path.decode().removeprefix("/v2")
        body = json.loads(request.content) if request.content else None
        answer = self.directory(StepRequest(request.method, target, body))  # type: ignore[arg-type]
        text = answer.text or json.dumps(answer.body)
        return httpx.Response(answer.status, headers=dict(answer.headers), text="" if answer.status == 204 else text)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Served]:
    def start(broken: Callable[[StepRequest], StepResponse | None] = lambda call: None) -> Served:
        served = Served(SmallDirectory(broken=broken))
        client = httpx.Client(transport=httpx.MockTransport(served))
        monkeypatch.setattr(simulate_jumpcloud, "new_client", lambda: client)
        return served

    return start


def simulated(*options: str, token: str = TOKEN, base: str = BASE) -> str:
    """Return what the command prints; raises CommandError when a step fails."""
    out = io.StringIO()
    given = ("--token", token) if token else ()
    required = ("--base-url", base, *given, "--test-email", EMAIL)
    call_command("simulate_jumpcloud", *required, *options, stdout=out, no_color=True)
    return out.getvalue()


def simulated_failure(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[str, CommandError]:
    """Return what a failing run prints, and the error it ends with."""
    required = ("--base-url", BASE, "--token", TOKEN, "--test-email", EMAIL)
    with pytest.raises(CommandError) as raised:
        call_command("simulate_jumpcloud", *required, *options, no_color=True)
    return capsys.readouterr().out, raised.value


def failing_creation(call: StepRequest) -> StepResponse | None:
    body = {"detail": "down", "token": TOKEN, "padding": "x" * 5000}
    return StepResponse(500, body) if (call.method, call.target) == ("POST", "/Users") else None


def test_simulate_jumpcloud_prints_a_line_for_each_step_and_the_result_last(serve):
    serve()
    lines = simulated().splitlines()
    assert lines[0] == "Test Connection"
    assert lines[1].split()[:6] == ["PASS", "1", "List", "users", "200", "in"]
    assert lines[-1] == "All 21 steps passed."


@pytest.mark.parametrize("options", [(), ("--groups",), ("--twice", "--groups")], ids=["users", "groups", "twice"])
def test_simulate_jumpcloud_leaves_nothing_stored_after_the_connection_test(serve, options):
    served = serve()
    simulated(*options)
    assert served.directory.stored == {}


def test_simulate_jumpcloud_activate_pushes_forty_users_and_five_groups(serve):
    served = serve()
    simulated("--groups", "--activate")
    users = [resource for resource in served.directory.stored.values() if "userName" in resource]
    assert (len(users), len(served.directory.stored)) == (40, 45)
    assert all(user["userName"].endswith("@acme.example") for user in users)


def test_simulate_jumpcloud_options_set_domain_and_numbers_of_people_and_groups(serve):
    served = serve()
    simulated("--groups", "--activate", "--people", "6", "--group-count", "2", "--domain", "other.example")
    names = [resource["userName"] for resource in served.directory.stored.values() if "userName" in resource]
    assert (len(names), len(served.directory.stored)) == (6, 8)
    assert names[0] == "ada.adler@other.example"


def test_simulate_jumpcloud_lifecycle_runs_after_the_push(serve):
    serve()
    assert "Reactivate dalia.dupont@acme.example" in simulated("--activate", "--lifecycle", "--people", "8")


def test_failed_step_prints_what_was_sent_expected_and_received(serve, capsys):
    serve(failing_creation)
    printed, _ = simulated_failure(capsys)
    shown = {line.split()[0]: line for line in printed.splitlines() if line.startswith(" ")}
    assert shown["sent"].endswith(f"POST {BASE}/Users")
    assert shown["expected"].split()[1] == "201:"
    assert '500 {"detail": "down"' in shown["got"]


def test_failed_read_prints_no_request_body(serve, capsys):
    serve(lambda call: failure(404) if call.target == "/Users" else None)
    printed, _ = simulated_failure(capsys)
    assert [line.split()[0] for line in printed.splitlines()[2:]] == ["sent", "expected", "got", "why"]


def test_failed_step_is_named_in_the_last_line_with_exit_code_1(serve, capsys):
    serve(failing_creation)
    _, error = simulated_failure(capsys)
    step = "Test Connection failed at step 5, Create the test user (create-user)"
    assert (str(error), error.returncode) == (f'{step}: Answered 500 instead of 201: "down".', 1)


def test_simulate_jumpcloud_pushes_nothing_after_a_failed_connection_test(serve):
    served = serve(failing_creation)
    with pytest.raises(CommandError):
        simulated("--activate")
    assert len([request for request in served.requests if request.method == "POST"]) == 1


def test_json_report_lists_every_step_and_names_the_failed_one(serve, capsys):
    serve(failing_creation)
    report = json.loads(simulated_failure(capsys, "--json")[0])
    assert (report["passed"], report["failed_step"]) == (False, "create-user")
    line = report["steps"][4]
    assert (line["outcome"], line["expected"], line["got"]["status"]) == ("failed", [201], 500)
    assert line["sent"]["body"]["userName"] == EMAIL


def test_json_report_truncates_an_answer_to_two_kilobytes(serve, capsys):
    serve(failing_creation)
    report = json.loads(simulated_failure(capsys, "--json")[0])
    assert len(report["steps"][4]["got"]["body"].removesuffix("…").encode()) == 2048


def test_json_report_of_a_passed_run_is_valid_json(serve):
    serve()
    report = json.loads(simulated("--json"))
    assert (report["passed"], report["failed_step"], report["base_url"]) == (True, None, BASE)


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["text", "json"])
def test_token_is_sent_as_bearer_and_never_printed(serve, capsys, options):
    served = serve(failing_creation)
    printed, error = simulated_failure(capsys, *options)
    assert {request.headers["authorization"] for request in served.requests} == {f"Bearer {TOKEN}"}
    assert TOKEN not in printed + str(error) + repr(ScimServer(BASE, TOKEN))


def test_token_is_read_from_the_environment(serve, monkeypatch):
    served = serve()
    monkeypatch.setenv("SCIM_TOKEN", "from-the-environment")
    simulated(token="")
    assert served.requests[0].headers["authorization"] == "Bearer from-the-environment"


def test_token_is_read_from_standard_input(serve, monkeypatch):
    served = serve()
    monkeypatch.setattr("sys.stdin", io.StringIO("from-stdin\n"))
    simulated("--token-stdin", token="")
    assert served.requests[0].headers["authorization"] == "Bearer from-stdin"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--base-url", "ftp://scim.example"), "--base-url must be"),
        (("--base-url", "scim.example/v2"), "--base-url must be"),
        (("--base-url", "http://[oops"), "--base-url must be"),
        (("--base-url", "http://scim.example:port"), "--base-url must be"),
        (("--base-url", "http://scim.example:99999"), "--base-url must be"),
        (("--base-url", "http://name:pass@scim.example"), "--base-url must be"),
        (("--token", " "), "Give the token"),
        (("--token", "clé"), "The token holds"),
        (("--token", "a b"), "The token holds"),
        (("--test-email", "nobody"), "--test-email or --domain"),
        (("--domain", "a b"), "--test-email or --domain"),
        (("--people", "0"), "--people and --group-count"),
        (("--lifecycle", "--people", "4"), "--people and --group-count"),
        (("--group-count", "0"), "--people and --group-count"),
    ],
)
def test_simulate_jumpcloud_with_bad_input_prints_one_line_with_exit_code_2(serve, options, sentence):
    served = serve()
    with pytest.raises(CommandError, match=f"^{sentence}") as raised:
        simulated(*options)
    assert (raised.value.returncode, "\n" in str(raised.value), served.requests) == (2, False, [])


@pytest.mark.parametrize("stdin", [None, io.StringIO("")], ids=["closed", "empty"])
def test_simulate_jumpcloud_without_a_token_on_standard_input_exits_with_code_2(serve, monkeypatch, stdin):
    serve()
    monkeypatch.setattr("sys.stdin", stdin)
    with pytest.raises(CommandError, match=r"^There is no token on standard input\.$") as raised:
        simulated("--token-stdin", token="")
    assert raised.value.returncode == 2


def test_simulate_jumpcloud_with_an_unreachable_server_exits_with_code_2(serve):
    served = serve()
    served.directory.broken = refuse
    with pytest.raises(CommandError, match=f"^Nothing answers at {BASE}. No answer: refused.$") as raised:
        simulated()
    assert raised.value.returncode == 2


def refuse(call: StepRequest) -> StepResponse | None:
    raise httpx.ConnectError("refused")


def slow(call: StepRequest) -> StepResponse | None:
    raise httpx.ReadTimeout("slow")


def test_sender_raises_no_answer_error_when_the_server_times_out():
    client = httpx.Client(transport=httpx.MockTransport(Served(SmallDirectory(broken=slow))))
    with pytest.raises(NoAnswerError, match="No answer within 10 s"):
        sender(ScimServer(BASE, TOKEN), client)(StepRequest("GET", "/Users"))


def test_sender_gives_no_body_for_an_answer_that_is_not_json():
    client = httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200, text="<html>")))
    answer = sender(ScimServer(BASE, TOKEN), client)(StepRequest("GET", "/Users"))
    assert (answer.body, answer.text) == (None, "<html>")


def test_new_client_follows_no_redirects_and_ignores_proxy_variables():
    with simulate_jumpcloud.new_client() as client:
        assert (client.follow_redirects, client.trust_env, client.timeout.read) == (False, False, 10.0)


def test_requests_have_a_content_type_only_with_a_body(serve):
    served = serve()
    simulated()
    typed = {request.method for request in served.requests if "content-type" in request.headers}
    assert typed == {"POST", "PUT", "PATCH"}


def test_trailing_slash_of_the_base_url_is_kept(serve):
    served = serve()
    simulated(base=BASE + "/")
    assert served.requests[0].url.raw_path == b"/v2//Users"


def test_simulate_runs_a_plan_without_http():
    results = [result for _, result in simulate(Plan(test_email=EMAIL, groups=True), SmallDirectory())]
    assert all(result.passed for result in results)


def test_a_note_is_printed_below_its_step(serve):
    serve(lambda call: failure(501) if call.method == "DELETE" else None)
    assert "note      DELETE isn't offered for users" in simulated()
