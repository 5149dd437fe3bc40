"""A second protocol, for tests alone: a token of JSON with an HMAC, under the key that is the connection's own IdP entity ID.

It goes the same way as SAML, through a core that knows neither.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import include, path

from orgs.providers.idp_settings import Setting
from portal.urls import urlpatterns as pages
from sso.connections.models import Configuration, Connection
from sso.identity.errors import AssertionExpired, SignInError
from sso.identity.types import OutgoingRequest, SignInCheck, VerifiedIdentity
from sso.signin.types import SignInProtocol
from sso.signin.urls import stops

IDP = "https://idp.example/ask"


class TokenForged(SignInError):
    code = "stub_token_forged"
    check = SignInCheck.SIGNATURE
    setting = Setting.METADATA
    private = "The token isn’t signed with this connection’s key."


def token(key: str, **said: Any) -> str:
    """Return what the IdP says, signed with this key."""
    body = base64.urlsafe_b64encode(json.dumps(said).encode()).decode()
    return f"{body}.{_mac(key, body)}"


def _mac(key: str, body: str) -> str:
    return hmac.new(key.encode(), body.encode(), hashlib.sha256).hexdigest()


def _make_request(connection: Connection, chosen: Configuration, moment: datetime) -> OutgoingRequest:
    nonce = secrets.token_hex(16)
    return OutgoingRequest(nonce, f"{IDP}?{urlencode({'nonce': nonce})}")


def _read(message: str, chosen: Configuration) -> Mapping[str, Any]:
    body, _, mac = message.partition(".")
    if not hmac.compare_digest(mac, _mac(chosen.idp_entity_id, body)):
        raise TokenForged(expected="a token of this connection", received=mac)
    said: Mapping[str, Any] = json.loads(base64.urlsafe_b64decode(body))
    return said


def _verify(message: str, connection: Connection, chosen: Configuration, moment: datetime) -> VerifiedIdentity:
    identity = _verify_as_of_issue(message, connection, chosen)
    if identity.expires_at <= moment:
        raise AssertionExpired(expected=f"after {moment}", received=str(identity.expires_at))
    return identity


def _verify_as_of_issue(message: str, connection: Connection, chosen: Configuration) -> VerifiedIdentity:
    said = _read(message, chosen)
    return VerifiedIdentity(
        assertion_id=said["id"],
        issuer=chosen.idp_entity_id,
        subject=said["sub"],
        subject_format="sub",
        attributes={"email": (said["email"],)},
        request_id=said.get("nonce", ""),
        session_index="",
        issued_at=datetime.fromtimestamp(said["exp"] - 300, UTC),
        expires_at=datetime.fromtimestamp(said["exp"], UTC),
        session_expires_at=None,
        authn_context="",
        signed=frozenset({"token"}),
    )


STUB = SignInProtocol(
    namespace="stub",
    answer_field="id_token",
    state_field="state",
    make_request=_make_request,
    verify=_verify,
    verify_as_of_issue=_verify_as_of_issue,
    differs_by_version=(TokenForged,),
)
# the site's pages, and this protocol beside SAML
urlpatterns = [path("", include((stops("stub", STUB), "stub"))), *pages]
