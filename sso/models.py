"""Every table of this app, collected for Django."""

from sso.attempts.models import LoginAttempt
from sso.connections.models import Configuration, Connection, IdpCertificate, SamlIdentity, SpKey
from sso.metadata.models import MetadataSnapshot
from sso.signin.models import ConsumedAssertion, PendingSignIn, UsedRequest
from sso.signin_tests.models import SignInTest

__all__ = [
    "Configuration",
    "Connection",
    "ConsumedAssertion",
    "IdpCertificate",
    "LoginAttempt",
    "MetadataSnapshot",
    "PendingSignIn",
    "SamlIdentity",
    "SignInTest",
    "SpKey",
    "UsedRequest",
]
