"""Every page of support's site about this app, collected for Django."""

from sso.attempts.admin import LoginAttemptAdmin
from sso.connections.admin import ConfigurationAdmin, ConnectionAdmin, SamlIdentityAdmin
from sso.signin_tests.admin import SignInTestAdmin

__all__ = ["ConfigurationAdmin", "ConnectionAdmin", "LoginAttemptAdmin", "SamlIdentityAdmin", "SignInTestAdmin"]
