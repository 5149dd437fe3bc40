"""How a connection's IdP is asked by SAML, and how its answer is verified: the one way in for the adapter."""

from datetime import datetime

from django.conf import settings

from sso.connections import queries as connections
from sso.connections.models import Configuration, Connection
from sso.identity.types import OutgoingRequest, VerifiedIdentity
from sso.metadata import queries as metadata
from sso.saml import response
from sso.saml.errors import IssuerMismatch, SignatureInvalid, SignatureMissing
from sso.saml.request import make_request, warm_up
from sso.saml.types import Expectation
from sso.signin.types import SignInProtocol

__all__ = ["SAML", "warm_up"]


def _make_request(connection: Connection, chosen: Configuration, moment: datetime) -> OutgoingRequest:
    return make_request(
        metadata.service_provider(connection, chosen),
        connections.preferred_endpoint(chosen),
        connections.signing_key(connection),
        now=moment,
    )


def expectation_of(connection: Connection, chosen: Configuration) -> Expectation:
    """Return what a response must agree with under this version.

    Each certificate verifies until it is removed: its key was pinned by an admin, and to expire is not to be revoked (SAML
    Metadata Interoperability Profile §2.6.1).
    """
    ours = connections.addresses(connection)
    return Expectation(
        idp_entity_id=chosen.idp_entity_id,
        sp_entity_id=ours.sp_entity_id,
        acs_url=ours.acs_url,
        certificates=tuple(certificate.pem for certificate in chosen.trusted),
        needs_both_signed=chosen.needs_both_signed,
        skew=settings.SAML_CLOCK_SKEW,
    )


def _verify(message: str, connection: Connection, chosen: Configuration, moment: datetime) -> VerifiedIdentity:
    return response.verify(message, expectation_of(connection, chosen), now=moment)


def _verify_as_of_issue(message: str, connection: Connection, chosen: Configuration) -> VerifiedIdentity:
    return response.verify_as_of_issue(message, expectation_of(connection, chosen))


SAML = SignInProtocol(
    namespace="signin",
    answer_field="SAMLResponse",
    state_field="RelayState",
    make_request=_make_request,
    verify=_verify,
    verify_as_of_issue=_verify_as_of_issue,
    differs_by_version=(SignatureInvalid, SignatureMissing, IssuerMismatch),
)
