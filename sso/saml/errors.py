"""One class for each way in which a SAML message is refused. Codes are stable; support and docs name them."""

from orgs.providers.idp_settings import Setting
from sso.identity.errors import SignInError
from sso.identity.types import SignInCheck


class MessageTooLarge(SignInError):
    code = "message_too_large"
    private = (
        "The response is larger than 768 KB, or has more elements than 2,000 and 5,100 plain attributes and values."
    )
    advice = (
        "If the person is in very many groups, have the provider send fewer: only those that are assigned to this "
        "app, or none. Anything else that long wasn’t made by it."
    )


class MessageUnreadable(SignInError):
    code = "message_unreadable"
    private = "The form’s SAMLResponse isn’t base64 text of one XML document."
    advice = (
        "Start the sign-in again. If it fails again, record it with a SAML tracer in the browser, and compare what"
        " the provider sends with what arrives: a proxy, or a script on the provider’s page, may alter the form."
    )


class MessageMisencoded(SignInError):
    code = "message_encoding"
    private = "The XML is in an encoding that isn’t read here, or not in the one that it declares."
    advice = "Have the provider write its answers in UTF-8. If it does, something on the way has changed the letters."


class MessageForbidden(SignInError):
    code = "message_forbidden_markup"
    private = "The XML holds a DTD, an entity, a comment or a processing instruction. Responses never need these."
    advice = (
        "Take comments, stylesheets and document types out of the provider’s template of responses. They are "
        "refused because two readers may read such a message differently."
    )


class MessageMisshapen(SignInError):
    code = "message_misshapen"
    private = "The XML isn’t one samlp:Response with one assertion and unique IDs."
    advice = (
        "Have the provider send one SAML 2.0 response with one assertion, by HTTP-POST. If it offers SAML 1.1, or "
        "WS-Federation, choose SAML 2.0."
    )


class AssertionEncrypted(SignInError):
    code = "assertion_encrypted"
    setting = Setting.ENCRYPTION
    private = "The assertion is encrypted. Turn encryption of assertions off at the IdP."


class SignatureMissing(SignInError):
    code = "signature_missing"
    check = SignInCheck.SIGNATURE
    setting = Setting.SIGNING
    private = "Neither the response nor the assertion is signed, or one that must be isn’t."


class SignatureMisshapen(SignInError):
    code = "signature_misshapen"
    check = SignInCheck.SIGNATURE
    private = "A signature isn’t one direct child of what it signs, in the one form that is accepted."
    advice = (
        "Have the provider sign the response or the assertion as a whole, by a signature inside of it (enveloped)."
        " If it does, something between it and this site writes the message anew: look there."
    )


class AlgorithmRefused(SignInError):
    code = "signature_algorithm"
    check = SignInCheck.SIGNATURE
    setting = Setting.ALGORITHM
    private = "The signature uses an algorithm that isn’t accepted. Use RSA-SHA256, -384 or -512, or ECDSA with these."


class CanonicalizationRefused(SignInError):
    code = "signature_canonicalization"
    check = SignInCheck.SIGNATURE
    setting = Setting.CANONICALIZATION
    private = (
        "The signature transforms what it covers in another way than exclusive canonicalization, so the same bytes would "
        "depend on what is around them."
    )


class SignatureInvalid(SignInError):
    code = "signature_invalid"
    check = SignInCheck.SIGNATURE
    setting = Setting.METADATA
    private = "The signature doesn’t fit any certificate of this connection, or the message was altered."
    advice = (
        "Compare the two fingerprints. If they differ, the provider signs with another certificate. If they are "
        "equal, the message was altered on its way: try again in another browser without extensions."
    )


class IssuerMismatch(SignInError):
    code = "issuer_mismatch"
    check = SignInCheck.ISSUER
    setting = Setting.IDP_ENTITY_ID
    private = "The response comes from another IdP than this connection’s."


class StatusRefused(SignInError):
    code = "status_refused"
    check = SignInCheck.STATUS
    setting = Setting.ASSIGNMENT
    public = "Your organization’s sign-in service didn’t let you into this application."
    private = "The IdP answered with a failure instead of an assertion."


class DestinationMismatch(SignInError):
    code = "destination_mismatch"
    check = SignInCheck.RECIPIENT
    setting = Setting.ACS_URL
    private = "The response was made for another address."


class RecipientMismatch(SignInError):
    code = "recipient_mismatch"
    check = SignInCheck.RECIPIENT
    setting = Setting.ACS_URL
    private = "The assertion was made for another address."


class ConfirmationMissing(SignInError):
    code = "confirmation_missing"
    check = SignInCheck.RECIPIENT
    private = "The assertion has no bearer confirmation that could be accepted (SAML Profiles §4.1.4.2)."
    advice = (
        "Have the provider confirm the subject as bearer, which is the one way for sign-ins in a browser. If the "
        "app’s type can be chosen there, choose web single sign-on."
    )


class RequestMismatch(SignInError):
    code = "in_response_to_mismatch"
    check = SignInCheck.RECIPIENT
    private = "The assertion answers another request than the response around it."
    advice = (
        "Start the sign-in again, in one tab. If it fails again, the provider mixes up two answers: give its "
        "support the two values above."
    )


class AssertionNotYetValid(SignInError):
    code = "assertion_not_yet_valid"
    check = SignInCheck.TIME
    setting = Setting.CLOCK
    private = "The assertion begins in the future: the IdP’s clock is ahead."
    advice = "This is how far off the clocks are: {received}. Up to 90 seconds are accepted."


class TimeBoundsMissing(SignInError):
    code = "time_bounds_missing"
    check = SignInCheck.TIME
    private = "The assertion doesn’t say until when it may be used, or it gives a time that isn’t in UTC."
    advice = (
        "Have the provider put an end (NotOnOrAfter) into the subject’s confirmation, and write every time in UTC,"
        " with a Z."
    )


class AudienceMismatch(SignInError):
    code = "audience_mismatch"
    check = SignInCheck.AUDIENCE
    setting = Setting.SP_ENTITY_ID
    private = "The assertion was made for another service provider."


class AudienceMissing(SignInError):
    code = "audience_missing"
    check = SignInCheck.AUDIENCE
    setting = Setting.SP_ENTITY_ID
    private = "The assertion doesn’t say for which service provider it was made."


class ConditionUnknown(SignInError):
    code = "condition_unknown"
    check = SignInCheck.AUDIENCE
    private = "The assertion sets a condition that isn’t known, so it can’t be kept."
    advice = (
        "Remove the condition that is named above from the app at the provider: who doesn’t know a condition can’t"
        " keep it."
    )


class SubjectMissing(SignInError):
    code = "subject_missing"
    check = SignInCheck.SUBJECT
    setting = Setting.NAME_ID
    private = "The assertion doesn’t name one person: it needs one Subject with one NameID."


class SubjectEncrypted(SignInError):
    code = "subject_encrypted"
    check = SignInCheck.SUBJECT
    setting = Setting.ENCRYPTION
    private = "The Name ID is encrypted (EncryptedID), and can’t be read here."


class StatementMissing(SignInError):
    code = "statement_missing"
    check = SignInCheck.SUBJECT
    private = "The assertion doesn’t say that the person signed in at the IdP (no AuthnStatement), or not recently."
    advice = (
        "Have the provider send an authentication statement (AuthnStatement) with every sign-in. Answers that "
        "carry attributes only are no sign-in."
    )
