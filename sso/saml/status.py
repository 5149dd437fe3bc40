"""What an IdP says when it answers with a failure (SAML Core §3.2.2), and which of its settings that points at."""

from collections.abc import Sequence

from orgs.providers.idp_settings import Setting
from sso.saml.errors import StatusRefused

PREFIX = "urn:oasis:names:tc:SAML:2.0:status:"
SUCCESS = f"{PREFIX}Success"


class NameIdPolicyRefused(StatusRefused):
    code = "status_name_id_policy"
    setting = Setting.NAME_ID
    public = "Your organization’s sign-in service couldn’t complete this sign-in. Tell one of your admins the code."
    private = "The IdP can’t give a Name ID in the format that we ask for."
    advice = "Set up that format for the app there, or choose another Name ID format here, in the connection’s setup."


class RequestRefused(StatusRefused):
    code = "status_request"
    setting = Setting.REQUEST
    public = NameIdPolicyRefused.public
    private = "The IdP doesn’t take the request that we sent."


class FailureUnexplained(StatusRefused):
    code = "status_unexplained"
    setting = Setting.NOTHING
    public = NameIdPolicyRefused.public
    private = "The IdP answered with a failure of its own, and doesn’t say which."
    advice = (
        "The provider’s own log says why: look there for this person and this minute. Often a rule that makes the Name ID or "
        "an attribute has failed, or a value is missing in the person’s record."
    )


# the codes of the second level say more than those of the first, so they are looked for first
REFUSALS: dict[str, type[StatusRefused]] = {
    **dict.fromkeys(("InvalidNameIDPolicy",), NameIdPolicyRefused),
    **dict.fromkeys(("AuthnFailed", "RequestDenied", "UnknownPrincipal"), StatusRefused),
    **dict.fromkeys(
        (
            "InvalidAttrNameOrValue",
            "NoAuthnContext",
            "NoPassive",
            "RequestUnsupported",
            "RequestVersionDeprecated",
            "RequestVersionTooHigh",
            "RequestVersionTooLow",
            "ResourceNotRecognized",
            "UnknownAttrProfile",
            "UnsupportedBinding",
        ),
        RequestRefused,
    ),
}
OF_FIRST_LEVEL: dict[str, type[StatusRefused]] = {"Requester": RequestRefused, "VersionMismatch": RequestRefused}


def refusal_of(codes: Sequence[str], messages: Sequence[str]) -> StatusRefused:
    """Return the refusal of these status codes, the outermost first. A line break in a message is a space."""
    named = [code.rpartition(":")[2] for code in codes]
    known = next((REFUSALS[name] for name in named[1:] if name in REFUSALS), None)
    refusal = known or OF_FIRST_LEVEL.get(named[0], FailureUnexplained)
    lines = [" ".join(message.split()) for message in messages]
    return refusal(expected="Success", received=": ".join([" / ".join(named), *lines]))
