from allauth.account.auth_backends import AuthenticationBackend

from orgs.base.text import address_key
from orgs.tenancy import queries
from orgs.tenancy.models import User


class AddressBackend(AuthenticationBackend):  # type: ignore[misc]  # allauth has no types
    """Signs in by address and password: into the account that verified the address, else into one that claims it.

    Who signs in to the latter must still type the code that is mailed to the address.
    """

    def _authenticate_by_email(self, email: str, password: str) -> User | None:
        # another spelling of the address has no row of its own to be verified
        if email.lower() != address_key(email):
            return None
        for user in queries.accounts_behind(email):
            if self._check_password(user, password):
                return user
        return None
