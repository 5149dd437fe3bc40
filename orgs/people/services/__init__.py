"""What changes memberships: create, activate, profile, roles, suspensions and locks, a module each."""

from orgs.people.queries import lock_membership
from orgs.people.services.activate import (
    accept_invitation,
    activate_or_keep_invitation,
    activate_waiting_memberships,
    join,
    join_held,
    withdraw_invitation,
)
from orgs.people.services.create import (
    add_membership,
    adopt_held,
    create_membership,
    create_owner_membership,
    remove_held,
)
from orgs.people.services.lock import (
    refuse_to_lose_last_owner,
    save_columns,
)
from orgs.people.services.profile import (
    copy_profile,
    is_shown,
    record_account_sign_in,
    record_membership_sign_in,
    remember_address,
    update_profile,
    update_profile_held,
)
from orgs.people.services.roles import (
    drop_claims,
    grant_role,
    update_claims,
)
from orgs.people.services.suspend import (
    lift_held,
    lift_suspension,
    suspend_held,
    suspend_membership,
)

__all__ = [
    "accept_invitation",
    "activate_or_keep_invitation",
    "activate_waiting_memberships",
    "add_membership",
    "adopt_held",
    "copy_profile",
    "create_membership",
    "create_owner_membership",
    "drop_claims",
    "grant_role",
    "is_shown",
    "join",
    "join_held",
    "lift_held",
    "lift_suspension",
    "lock_membership",
    "record_account_sign_in",
    "record_membership_sign_in",
    "refuse_to_lose_last_owner",
    "remember_address",
    "remove_held",
    "save_columns",
    "suspend_held",
    "suspend_membership",
    "update_claims",
    "update_profile",
    "update_profile_held",
    "withdraw_invitation",
]
