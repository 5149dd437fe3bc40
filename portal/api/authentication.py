from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request


class GrantedSessionAuthentication(SessionAuthentication):
    """The browser's session, with a challenge: without one the answer is 401, not 403."""

    def authenticate_header(self, request: Request) -> str:
        return 'Session realm="api"'
