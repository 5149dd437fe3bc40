"""Send the calls of a sequence to a SCIM server over HTTP, as an identity provider would."""

import json
import time
from dataclasses import dataclass, field

import httpx

from orgs.providers.steps import StepRequest, StepResponse
from scim.dialects.walk import NoAnswerError, Send

SECONDS = 10.0
SHORTEST_SECRET = 8
MEDIA_TYPE = "application/scim+json"
USER_AGENT = "JumpCloud-SCIM-Simulator/1.0"


@dataclass(frozen=True, slots=True)
class ScimServer:
    """A SCIM server: its base URL as the admin gave it, stray slashes included, and the token, which is never shown."""

    base_url: str
    token: str = field(repr=False)

    def url(self, call: StepRequest) -> str:
        """Return where the call goes: like JumpCloud, simply append."""
        return self.base_url + call.target

    def masked(self, text: str) -> str:
        """Return the text without the token, should the server have echoed it."""
        # a token of a few letters is a word: taking it out would only garble the text
        return text.replace(self.token, "[token]") if len(self.token) >= SHORTEST_SECRET else text


def new_client(transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """Return a client that waits 10 s, follows no redirect and takes no proxy or password from the environment."""
    return httpx.Client(timeout=SECONDS, follow_redirects=False, trust_env=False, transport=transport)


def sender(target: ScimServer, client: httpx.Client) -> Send:
    """Return the function by which a sequence talks to the target."""

    def send(call: StepRequest) -> StepResponse:
        started = time.monotonic()
        try:
            response = client.request(
                call.method, target.url(call), content=_content(call), headers=_headers(target, call)
            )
        except httpx.TimeoutException as error:
            raise NoAnswerError(f"No answer within {SECONDS:.0f} s.") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NoAnswerError(f"No answer: {error or type(error).__name__}.") from error
        return _answer(response, target, round((time.monotonic() - started) * 1000))

    return send


def _headers(target: ScimServer, call: StepRequest) -> dict[str, str]:
    headers = {
        "Authorization": f"Bearer {target.token}",
        "Accept": f"{MEDIA_TYPE}, application/json",
        "User-Agent": USER_AGENT,
    }
    return headers if call.body is None else {**headers, "Content-Type": MEDIA_TYPE}


def _content(call: StepRequest) -> bytes | None:
    return None if call.body is None else json.dumps(call.body).encode()


def _answer(response: httpx.Response, target: ScimServer, milliseconds: int) -> StepResponse:
    text = target.masked(response.text)
    try:
        body = json.loads(text) if text else None
    except (ValueError, RecursionError):
        body = None
    headers = {name.lower(): value for name, value in response.headers.items()}
    return StepResponse(response.status_code, body, text, headers, milliseconds)
