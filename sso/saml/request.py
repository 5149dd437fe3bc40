"""AuthnRequests, made and packed by pysaml2, signed with the connection's own key in this process.

pysaml2's own way to hand over a key sets it on an object that all threads share; a request signed meanwhile for
another connection would bear the wrong signature. So each request brings a signer of its own.
"""

import base64
import hashlib
import secrets
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree

from sso.connections.types import Binding, Endpoint, SpKeyPair
from sso.identity.types import OutgoingRequest
from sso.saml.certificates import private_key
from sso.saml.markup import DSIG, SAML, SAMLP, children, parse
from sso.saml.signature import MORE, canonical, find
from sso.saml.types import ServiceProvider

SIGNATURE_METHOD = f"{MORE}rsa-sha256"
DIGEST_METHOD = "http://www.w3.org/2001/04/xmlenc#sha256"


class ConnectionSigner:
    """What pysaml2 asks for a signer and then for a signature (SAML Bindings §3.4.4.1)."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self._key = key

    def get_signer(self, algorithm: str) -> "ConnectionSigner":
        return self

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message, padding.PKCS1v15(), hashes.SHA256())


def new_request_id() -> str:
    """Return an ID of 160 random bits that is an NCName (SAML Core §1.3.4)."""
    return f"_{secrets.token_hex(20)}"


def make_request(
    sp: ServiceProvider, endpoint: Endpoint, key: SpKeyPair, *, now: datetime, relay_state: str | None = None
) -> OutgoingRequest:
    """Return a signed AuthnRequest for this endpoint, to leave by its binding (SAML Core §3.4.1, Bindings §3.4, §3.5).

    Its RelayState is its own ID, unless another is given: that says nothing besides, and an answer that has lost one of
    the two is known by the other.
    """
    request_id = new_request_id()
    relay_state = request_id if relay_state is None else relay_state
    signer = ConnectionSigner(private_key(key))
    message = _message(request_id, sp, endpoint, now)
    if endpoint.binding is Binding.REDIRECT:
        url = _redirect(_written(message), endpoint.location, relay_state, signer)
        return OutgoingRequest(request_id, url)
    fields = {"SAMLRequest": _enveloped(message, request_id, signer), "RelayState": relay_state}
    return OutgoingRequest(request_id, endpoint.location, fields)


def _message(request_id: str, sp: ServiceProvider, endpoint: Endpoint, now: datetime) -> Any:
    from saml2 import saml, samlp

    return samlp.AuthnRequest(
        id=request_id,
        version="2.0",
        issue_instant=f"{now:%Y-%m-%dT%H:%M:%SZ}",
        destination=endpoint.location,
        assertion_consumer_service_url=sp.acs_url,
        protocol_binding=Binding.POST.value,
        issuer=saml.Issuer(text=sp.entity_id),
        name_id_policy=samlp.NameIDPolicy(allow_create="true", format=str(sp.name_id_format)),
    )


def _written(message: Any) -> bytes:
    text: bytes = message.to_string({"samlp": SAMLP, "saml": SAML, "ds": DSIG})
    return text


def _redirect(message: bytes, location: str, relay_state: str, signer: ConnectionSigner) -> str:
    from saml2.pack import http_redirect_message

    # pysaml2 puts a ? of its own behind an empty query
    located = location if urlsplit(location).query else location.removesuffix("?")
    packed = http_redirect_message(
        message.decode(), located, relay_state=relay_state, sigalg=SIGNATURE_METHOD, sign=True, backend=signer
    )
    return str(dict(packed["headers"])["Location"])


def _enveloped(message: Any, request_id: str, signer: ConnectionSigner) -> str:
    """Return the message with an enveloped signature, in base64. The form is the one that we demand of others."""
    from saml2.sigver import pre_signature_part

    message.signature = pre_signature_part(request_id, digest_alg=DIGEST_METHOD, sign_alg=SIGNATURE_METHOD)
    root = parse(_written(message))
    signature = find(root)
    assert signature is not None  # noqa: S101 - set above
    # without its signature the message is what pysaml2 writes when there is none
    message.signature = None
    digest = hashlib.sha256(canonical(parse(_written(message)), ())).digest()
    digest_value = signature.find(f".//{{{DSIG}}}DigestValue")
    assert digest_value is not None  # noqa: S101 - part of the template
    digest_value.text = base64.b64encode(digest).decode("ascii")
    signed_info, value = children(signature, DSIG, "SignedInfo")[0], children(signature, DSIG, "SignatureValue")[0]
    value.text = base64.b64encode(signer.sign(canonical(signed_info, ()))).decode("ascii")
    return base64.b64encode(etree.tostring(root)).decode("ascii")


def warm_up() -> None:
    """Load pysaml2, which compiles its schemas for half a second, before the first person signs in."""
    from saml2 import md, pack, sigver

    del md, pack, sigver
