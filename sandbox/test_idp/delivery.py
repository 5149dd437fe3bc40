"""What the browser carries to the app."""

import base64
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lxml import etree

from sandbox.test_idp.assertion import answer
from sandbox.test_idp.errors import NothingToReplay
from sandbox.test_idp.keys import ensure_keys
from sandbox.test_idp.state import load_sent, save_sent
from sandbox.test_idp.types import App, Delivery, Fault, IdpPerson, ResponseOptions, Visit


@dataclass(frozen=True, slots=True)
class SignIn:
    """Somebody has signed in, and the app is to be told so in this way."""

    visit: Visit
    person: IdpPerson
    choice: ResponseOptions


def deliver(folder: Path, app: App, sign_in: SignIn, *, now: datetime) -> Delivery:
    """Make the response, and keep a good one, to be sent again later. Raises NothingToReplay, StateUnreadable."""
    if sign_in.choice.fault is Fault.REPLAYED:
        return _sent_before(folder, app)
    keys = ensure_keys(folder)
    response = answer(app, sign_in.person, sign_in.visit.request, sign_in.choice, keys=keys, now=now)
    made = Delivery(base64.b64encode(response).decode("ascii"), sign_in.visit.relay_state)
    if sign_in.choice.fault is Fault.NONE:
        save_sent(folder, app.id, made)
    return made


def readable(delivery: Delivery) -> str:
    """Return the response's XML, indented for people; what is sent is not."""
    root = etree.fromstring(base64.b64decode(delivery.saml_response))
    etree.indent(root)
    return etree.tostring(root, encoding="unicode")


def _sent_before(folder: Path, app: App) -> Delivery:
    sent = load_sent(folder, app.id)
    if sent is None:
        raise NothingToReplay("No good response has been sent to this app yet. Sign in once without a fault first.")
    return sent
