"""`python -m benchmarks.saml_verify`: how many responses are verified in a second on one core, by us and by python3-saml.

Both verify the same messages, in turns; each message is fresh, so that nothing can be remembered of it. Exits 1 when we
aren't four times as fast where the assertion is signed, and three times where the response is signed too.
"""

import base64
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import process_time

from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings

from sso.saml.response import verify
from tests.vectors.saml import flavours
from tests.vectors.saml.flavours import Occasion
from tests.vectors.saml.signing import STANDARD, Style, sign
from tests.vectors.saml.world import ACS, IDP, REQUEST, SP, certificate_pem, expectation

MESSAGES = 150
ROUNDS = 7
VISIT = {"https": "on", "http_host": "portal.example", "script_name": "/saml/6f1c/acs", "get_data": {}, "post_data": {}}
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"


@dataclass(frozen=True)
class Case:
    """A way to sign, and how many times as fast we must be."""

    name: str
    assertion: Style | None
    response: Style | None
    bar: float


CASES = (Case("assertion signed", STANDARD, None, 4.0), Case("both signed", STANDARD, STANDARD, 3.0))


def fresh_fields(case: Case, turn: int) -> list[str]:
    """Return form fields that nobody has seen, all of this moment."""
    moment = datetime.now(UTC)
    messages = (
        sign(Occasion(now=moment, serial=f"{turn}-{place}").fill(flavours.JUMPCLOUD), case.assertion, case.response)
        for place in range(MESSAGES)
    )
    return [base64.b64encode(message.encode()).decode("ascii") for message in messages]


def ours() -> Callable[[str], object]:
    expected = expectation()

    def act(field: str) -> object:
        return verify(field, expected, now=datetime.now(UTC)).subject

    return act


def theirs() -> Callable[[str], object]:
    """Return python3-saml's verification with all of its checks on; its settings are read once."""
    settings = OneLogin_Saml2_Settings(
        {
            "strict": True,
            "sp": {"entityId": SP, "assertionConsumerService": {"url": ACS, "binding": POST}},
            "idp": {
                "entityId": IDP,
                "singleSignOnService": {"url": "https://idp.example/sso", "binding": POST},
                "x509cert": certificate_pem("idp"),
            },
            "security": {"rejectDeprecatedAlgorithm": True, "wantNameId": True},
        }
    )

    def act(field: str) -> object:
        response = OneLogin_Saml2_Response(settings, field)
        if not response.is_valid(VISIT, REQUEST):
            raise RuntimeError(response.get_error())
        response.get_attributes()
        return response.get_nameid()

    return act


def per_second(act: Callable[[str], object], fields: Sequence[str]) -> float:
    began = process_time()
    for field in fields:
        if act(field) != "uma@acme.example":
            raise RuntimeError(act)
    return len(fields) / (process_time() - began)


def measure(case: Case) -> bool:
    """Print both rates, the best of all rounds, and their ratio. Returns whether the bar is reached."""
    we, they = ours(), theirs()
    found = []
    for turn in range(ROUNDS):
        fields = fresh_fields(case, turn)
        found.append((per_second(we, fields), per_second(they, fields)))
    our_rate, their_rate = (max(rates) for rates in zip(*found, strict=True))
    ratio = our_rate / their_rate
    verdict = "" if ratio >= case.bar else "   TOO SLOW"
    sys.stdout.write(
        f"{case.name:<18} ours {our_rate:7.0f}/s   python3-saml {their_rate:7.0f}/s   "
        f"{ratio:5.1f} times as fast (bar {case.bar:.0f}){verdict}\n"
    )
    return ratio >= case.bar


def main() -> int:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    reached = [measure(case) for case in CASES]
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
