"""From a button to a session: a sign-in starts, its answer is received, and its browser finishes it. Each end is logged."""

from sso.signin.services.enter import Finished
from sso.signin.services.finish import complete, delete_finished
from sso.signin.services.receive import receive
from sso.signin.services.start import begin, refuse_start
from sso.signin.services.switch import confirm_sign_in, decline_sign_in

__all__ = [
    "Finished",
    "begin",
    "complete",
    "confirm_sign_in",
    "decline_sign_in",
    "delete_finished",
    "receive",
    "refuse_start",
]
