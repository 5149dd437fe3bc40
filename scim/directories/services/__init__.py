"""The acts on directories and their tokens; each is one transaction."""

from scim.directories.services.notices import note_refused_use, plan_notices
from scim.directories.services.retirement import change_token, retire_token, revoke_token
from scim.directories.services.tokens import (
    GeneratedToken,
    confirm_saved,
    create_directory,
    delete_rehearsal_tokens,
    generate_rehearsal_token,
    generate_token,
    rotate_token,
    touch_last_used,
)

__all__ = [
    "GeneratedToken",
    "change_token",
    "confirm_saved",
    "create_directory",
    "delete_rehearsal_tokens",
    "generate_rehearsal_token",
    "generate_token",
    "note_refused_use",
    "plan_notices",
    "retire_token",
    "revoke_token",
    "rotate_token",
    "touch_last_used",
]
