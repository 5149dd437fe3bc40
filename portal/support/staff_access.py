"""Who may use support's site: staff with a second factor; everybody else is redirected or gets 404."""

from enum import Enum, auto
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from orgs.tenancy.access import SessionGrants

# recovery codes stand in for a factor, and are none by themselves
FACTORS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
SET_UP = "Support's site needs a second step at sign-in. Set up an authenticator app or a passkey first."
PROVE = "Support's site needs your second step in this session."


class StaffAccess(Enum):
    ANONYMOUS = auto()
    OUTSIDER = auto()
    SENT_BY_AN_IDP = auto()
    WITHOUT_FACTOR = auto()
    FACTOR_NOT_SHOWN = auto()
    STAFF = auto()


def staff_access_of(request: HttpRequest) -> StaffAccess:
    """Return who asks. Read once for each request: a page asks for every table that it lists."""
    known = getattr(request, "support_standing", None)
    if known is None:
        known = _read_staff_access(request)
        request.support_standing = known  # type: ignore[attr-defined]
    return StaffAccess(known)


def _read_staff_access(request: HttpRequest) -> StaffAccess:
    user = request.user
    if not user.is_authenticated:
        return StaffAccess.ANONYMOUS
    if not (user.is_active and user.is_staff):
        return StaffAccess.OUTSIDER
    if not getattr(request, "session_grants", SessionGrants()).is_personal:
        return StaffAccess.SENT_BY_AN_IDP
    if not is_mfa_enabled(user, FACTORS):
        return StaffAccess.WITHOUT_FACTOR
    # a session from before the factor was set up has shown a password only
    has_shown_factor = any(record.get("method") == "mfa" for record in get_authentication_records(request, user))
    return StaffAccess.STAFF if has_shown_factor else StaffAccess.FACTOR_NOT_SHOWN


def lead_away(request: HttpRequest) -> HttpResponse | None:
    """Return the answer to whoever may not enter, or None for proven staff.

    Raises Http404 for people who aren't staff: the site doesn't say that it is there. Raises PermissionDenied for
    staff whom an identity provider has signed in.
    """
    match staff_access_of(request):
        case StaffAccess.STAFF:
            return None
        case StaffAccess.ANONYMOUS:
            return redirect_to_login(request.get_full_path(), reverse("account_login"))
        case StaffAccess.OUTSIDER:
            raise Http404
        case StaffAccess.SENT_BY_AN_IDP:
            raise PermissionDenied
        case StaffAccess.WITHOUT_FACTOR:
            messages.warning(request, SET_UP)
            return redirect("mfa_index")
        case StaffAccess.FACTOR_NOT_SHOWN:
            messages.info(request, PROVE)
            return redirect(f"{_second_step_url(request)}?{urlencode({'next': request.get_full_path()})}")


def _second_step_url(request: HttpRequest) -> str:
    """Return the page on which this account can show its factor; allauth's own first choice is the password."""
    methods = get_adapter().get_reauthentication_methods(request.user)
    return next(str(method["url"]) for method in methods if method["id"].startswith("mfa_reauthenticate"))
