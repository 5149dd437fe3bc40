"""What changes organizations, accounts, their addresses and what sessions may reach, a module each."""

from orgs.tenancy.services.accounts import (
    create_account,
    create_or_take_account,
    create_organization,
    create_staff,
    create_unused_account,
    delete_unused_account,
    delete_unverified_accounts,
    sign_up,
)
from orgs.tenancy.services.addresses import (
    change_account_address,
    mark_address_verified,
    remove_account_address,
    require_address,
    reset_password,
    revoke_domain_trust,
    set_primary_address,
)
from orgs.tenancy.services.sessions import (
    delete_ended_sessions,
    delete_expired_grants,
    delete_grants_by_certificates,
    delete_grants_of_connection,
    delete_session_grants,
    extend_personal_sessions,
    grant_session,
    list_session,
    open_personal_grants,
)

__all__ = [
    "change_account_address",
    "create_account",
    "create_or_take_account",
    "create_organization",
    "create_staff",
    "create_unused_account",
    "delete_ended_sessions",
    "delete_expired_grants",
    "delete_grants_by_certificates",
    "delete_grants_of_connection",
    "delete_session_grants",
    "delete_unused_account",
    "delete_unverified_accounts",
    "extend_personal_sessions",
    "grant_session",
    "list_session",
    "mark_address_verified",
    "open_personal_grants",
    "remove_account_address",
    "require_address",
    "reset_password",
    "revoke_domain_trust",
    "set_primary_address",
    "sign_up",
]
