"""An identity provider for tests: the sandbox's own, with its own code and its own keys, and a browser between it and us."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.test import Client
from lxml import etree

from orgs.base.clock import now
from sandbox.test_idp.assertion import answer, build_response
from sandbox.test_idp.authn_request import read_post, read_redirect
from sandbox.test_idp.dialects import DIALECTS
from sandbox.test_idp.metadata import build_metadata
from sandbox.test_idp.signature import sign
from sandbox.test_idp.types import (
    App,
    AuthnRequestFacts,
    Fault,
    IdpNameIdFormat,
    IdpPerson,
    Keys,
    NameIdSource,
    Signs,
    Style,
)
from sso.connections import queries as connections
from sso.connections.models import Connection

SSO_URL = "https://sso.jumpcloud.com/saml2/gatehouse"
FORM = "application/x-www-form-urlencoded"


@dataclass
class Idp:
    """One app of the IdP, made for one connection of ours."""

    keys: Keys
    app: App

    @classmethod
    def for_connection(cls, keys: Keys, connection: Connection, **chosen: Any) -> "Idp":
        """Return the IdP as an admin sets it up who copies our values."""
        ours = connections.addresses(connection)
        entity_id = chosen.pop("idp_entity_id", ours.suggested_idp_entity_id)
        app = App("gatehouse", "Gatehouse", entity_id, ours.sp_entity_id, ours.acs_url, **chosen)
        return cls(keys, app)

    def metadata(self) -> bytes:
        return build_metadata(self.app, SSO_URL, self.keys.signing.certificate)

    def change(self, **chosen: Any) -> "Idp":
        """Return the same app with other settings."""
        return Idp(self.keys, replace(self.app, **chosen))

    def respond(
        self,
        email: str,
        request: AuthnRequestFacts | None = None,
        fault: Fault = Fault.NONE,
        at: datetime | None = None,
        session_ends: datetime | None = None,
        **names: str,
    ) -> str:
        """Return the SAMLResponse field for this person; without a request it is unsolicited."""
        choice, person = self.app.usual_choice(fault), IdpPerson(email, **names)
        if session_ends is None:
            document = answer(self.app, person, request, choice, keys=self.keys, now=at or now())
        else:
            unsigned = build_response(self.app, person, request, choice, now=at or now())
            ends = f'SessionNotOnOrAfter="{session_ends:%Y-%m-%dT%H:%M:%SZ}" AuthnInstant'.encode()
            unsigned = unsigned.replace(b"AuthnInstant", ends, 1)
            document = sign(unsigned, self.keys.signing, choice, DIALECTS[self.app.style])
        return base64.b64encode(document).decode()


def post_form(client: Client, connection: Connection, fields: Mapping[str, Any], kind: str = FORM) -> Any:
    """Post these fields to our ACS as browsers do, and return the answer."""
    body = urlencode(fields, doseq=True).encode()
    return client.generic("POST", f"/saml/{connection.public_id}/acs", body, content_type=kind)


@dataclass
class Browser:
    """A browser that keeps SameSite: what the IdP makes it post to us arrives without our cookies."""

    client: Client = field(default_factory=Client)
    relay_state: str = ""

    def leave(self, connection: Connection, query: str = "") -> AuthnRequestFacts:
        """Go to the login URL, and return the request that leaves there."""
        response = self.client.get(f"/saml/{connection.public_id}/login{query}")
        assert response.status_code in {200, 302}, response.content
        if response.status_code == 200:
            return self._leave_by_post(response.content)
        parts = urlsplit(response["Location"])
        sent = parse_qs(parts.query)
        self.relay_state = sent["RelayState"][0]
        return read_redirect(sent["SAMLRequest"][0], is_signed="Signature" in sent)

    def _leave_by_post(self, page: bytes) -> AuthnRequestFacts:
        fields = {node.get("name"): node.get("value") for node in etree.HTML(page).iter("input")}
        self.relay_state = fields["RelayState"]
        return read_post(fields["SAMLRequest"])

    def deliver(self, connection: Connection, saml_response: str, relay_state: str | None = None) -> Any:
        """Post what the IdP gave to our ACS, without our cookies; those of the answer are kept."""
        stranger = Client()
        relay_state = self.relay_state if relay_state is None else relay_state
        fields = {"SAMLResponse": saml_response, "RelayState": relay_state}
        response = post_form(stranger, connection, fields)
        self.client.cookies.update(response.cookies)
        return response

    def follow(self, response: Any) -> Any:
        """Go where a redirect leads, with our cookies."""
        return self.client.get(response["Location"])

    def sign_in(self, idp: Idp, connection: Connection, email: str, query: str = "", **given: Any) -> Any:
        """Go the whole way; returns the answer of the last stop."""
        request = self.leave(connection, query)
        landed = self.deliver(connection, idp.respond(email, request, **given))
        return self.follow(landed) if landed.status_code == 303 else landed

    def switch(self, asked: Any, answer: str = "continue") -> Any:
        """Answer the question to which a finish has led: continue as the other person, or stay."""
        return self.client.post(asked["Location"], {answer: "yes"})

    def reaches(self) -> list[str]:
        """Return the organizations that this browser may enter."""
        found = self.client.get("/api/v1/me")
        return [org["slug"] for org in found.json()["organizations"]] if found.status_code == 200 else []


__all__ = ["FORM", "Browser", "Fault", "Idp", "IdpNameIdFormat", "NameIdSource", "Signs", "Style", "post_form"]
