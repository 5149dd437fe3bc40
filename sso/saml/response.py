"""From a form field to verified claims. Identity is read from signed bytes only, each parsed anew."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from orgs.providers.idp_settings import NameIdFormat
from sso.identity.errors import SignInError
from sso.identity.types import ClaimedPerson, SignInCheck, VerifiedIdentity
from sso.saml import conditions, prescreen, signature
from sso.saml.certificates import PublicKey, fingerprint, public_key
from sso.saml.errors import SignatureInvalid, SignatureMissing, StatementMissing, SubjectEncrypted, SubjectMissing
from sso.saml.markup import SAML, Element, children, only, plain_text, run_in_thread, text_of
from sso.saml.types import Expectation

UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
LONGEST_NAME_ID = 512
# as long as it is kept with the identity: a longer one would never be the same again
LONGEST_FORMAT = 100
LONGEST_TEXT = 256
# of one attribute: enough to see what it holds, and little enough to be kept while a sign-in waits
KEPT_VALUES = 500
SHOWN_CERTIFICATES = 3


@dataclass(slots=True)
class Progress:
    """Which checks have passed so far, and which request the message says it answers."""

    passed: list[SignInCheck] = field(default_factory=list)
    in_response_to: str = ""


@dataclass(frozen=True, slots=True)
class Verified:
    """A response and its assertion, both from signed bytes where they are signed."""

    response: Element
    assertion: Element
    signed: frozenset[str]
    certificates: tuple[str, ...]

    @property
    def is_response_signed(self) -> bool:
        return "response" in self.signed


def verify(saml_response: str, expectation: Expectation, *, now: datetime) -> VerifiedIdentity:
    """Return what the IdP says of one person, when every check of SAML Profiles §4.1.4.3 has passed.

    `saml_response` is the form field in base64. Whether the request was ours, and whether the assertion was seen
    before, is for the caller to know. Raises SignInError, which names the checks that had passed.
    """
    progress = Progress()
    try:
        return run_in_thread(lambda: _verify(saml_response, expectation, now, progress))
    except SignInError as refusal:
        # some checks ask again later on: one that failed in the end hasn't passed
        refusal.passed = tuple(check for check in progress.passed if check is not refusal.check)
        refusal.request_id = progress.in_response_to
        raise


def verify_as_of_issue(saml_response: str, expectation: Expectation) -> VerifiedIdentity:
    """Return what an answer that is over says: every check has passed as of when it was issued, by its signed word.

    Nobody is signed in by that. Raises SignInError.
    """
    return run_in_thread(lambda: _verify(saml_response, expectation, None, Progress()))


def _verify(saml_response: str, expectation: Expectation, now: datetime | None, progress: Progress) -> VerifiedIdentity:
    nodes = prescreen.read_elements(prescreen.decode(saml_response))
    progress.in_response_to = nodes[0].get("InResponseTo") or ""
    root = prescreen.require_shape(nodes)
    progress.passed.append(SignInCheck.MESSAGE)
    found = _verify_signatures(root, expectation)
    progress.passed.append(SignInCheck.SIGNATURE)
    try:
        return _verify_content(found, expectation, now, progress)
    except SignInError as refusal:
        refusal.claimed = _claimed_person(found.assertion)
        raise


def _verify_content(
    found: Verified, expectation: Expectation, now: datetime | None, progress: Progress
) -> VerifiedIdentity:
    """Check what is signed, in the order of the checks, and return what it says. Raises SignInError."""
    response, assertion, is_signed = found.response, found.assertion, found.is_response_signed
    conditions.require_version(response)
    conditions.require_version(assertion)
    conditions.require_issuer(response, assertion, expectation, is_response_signed=is_signed)
    progress.passed.append(SignInCheck.ISSUER)
    prescreen.require_success(response)
    progress.passed.append(SignInCheck.STATUS)
    now = now or conditions.moment(assertion.get("IssueInstant"))
    conditions.require_destination(response, expectation, is_response_signed=is_signed)
    in_response_to = conditions.require_confirmation(response, assertion, expectation, now)
    progress.passed.append(SignInCheck.RECIPIENT)
    ends = conditions.require_time(response, assertion, expectation, now)
    progress.passed.append(SignInCheck.TIME)
    conditions.require_audience(assertion, expectation)
    progress.passed.append(SignInCheck.AUDIENCE)
    claims = _read_claims(found, in_response_to, ends + expectation.skew, expectation, now)
    progress.passed.append(SignInCheck.SUBJECT)
    return claims


def _verify_signatures(root: Element, expectation: Expectation) -> Verified:
    """Raises SignatureMissing unless a signature covers the assertion; and SignatureMisshapen, -Invalid, AlgorithmRefused."""
    pinned = expectation.certificates
    keys: list[PublicKey] = [public_key(pem) for pem in pinned]
    response, signed, places = root, set[str](), set[int]()
    if signature.find(root) is not None:
        response, place = _read_signed(root, keys, pinned)
        signed.add("response")
        places.add(place)
    # this one is verified where it came: the canonical response may have lost a namespace that its PrefixList counts on
    assertion = prescreen.assertion_of(root)
    if signature.find(assertion) is not None:
        assertion, place = _read_signed(assertion, keys, pinned)
        signed.add("assertion")
        places.add(place)
    else:
        assertion = prescreen.assertion_of(response)
    if not signed or (expectation.needs_both_signed and len(signed) < 2):
        raise SignatureMissing(
            expected="response and assertion" if expectation.needs_both_signed else "response or assertion",
            received=", ".join(sorted(signed)) or "neither",
        )
    certificates = tuple(sorted({fingerprint(pinned[place]) for place in places}))
    return Verified(response, assertion, frozenset(signed), certificates)


def _read_signed(node: Element, keys: Sequence[PublicKey], pinned: Sequence[str]) -> tuple[Element, int]:
    """Return the element anew, from the bytes that its signature covers, and the place of its key. Raises SignInError."""
    try:
        content, place = signature.verify(node, keys)
    except SignatureInvalid as refusal:
        refusal.expected = refusal.expected or _signers(pinned)
        raise
    return prescreen.read_canonical(content), place


def _signers(pinned: Sequence[str]) -> str:
    """Return which certificates may have signed, as far as there is room for them."""
    shown = " or ".join(fingerprint(pem) for pem in pinned[:SHOWN_CERTIFICATES])
    more = len(pinned) - SHOWN_CERTIFICATES
    return (
        f"{shown}, or one of {more} more" if more > 0 else shown or "a certificate of this connection, which has none"
    )


def _read_claims(
    found: Verified, in_response_to: str, expires_at: datetime, expectation: Expectation, now: datetime
) -> VerifiedIdentity:
    assertion = found.assertion
    subject = only(assertion, "Subject", SubjectMissing)
    if children(subject, SAML, "EncryptedID"):
        raise SubjectEncrypted(expected="a NameID", received="an EncryptedID")
    name_id = only(subject, "NameID", SubjectMissing)
    named, name_id_format = _name_id(name_id), _name_id_format(name_id)
    statements = children(assertion, SAML, "AuthnStatement")
    if not statements:
        raise StatementMissing(expected="an AuthnStatement", received="none")
    sent = _attributes(assertion)
    ends = [conditions.require_session(statement, expectation, now) for statement in statements]
    return VerifiedIdentity(
        assertion_id=assertion.get("ID") or "",
        issuer=expectation.idp_entity_id,
        subject=named,
        attributes={name: tuple(values[:KEPT_VALUES]) for name, values in sent.items()},
        subject_format=name_id_format,
        request_id=in_response_to,
        session_index=(statements[0].get("SessionIndex") or "")[:LONGEST_TEXT],
        issued_at=conditions.moment(assertion.get("IssueInstant")),
        expires_at=expires_at,
        session_expires_at=min((end for end in ends if end is not None), default=None),
        authn_context=_authn_context(statements[0]),
        signed=found.signed,
        certificates=found.certificates,
        left_out={name: len(values) - KEPT_VALUES for name, values in sent.items() if len(values) > KEPT_VALUES},
        encrypted_attributes=_encrypted_attributes(assertion),
        # a transient one is another each time (SAML Core §8.3.8)
        is_lasting=name_id_format != NameIdFormat.TRANSIENT,
    )


def _name_id(node: Element) -> str:
    text = plain_text(node) or ""
    if len(text) > LONGEST_NAME_ID or not text or not text.isprintable():
        raise SubjectMissing(expected=f"a NameID of 1 to {LONGEST_NAME_ID} printable characters", received=text)
    return text


def _name_id_format(node: Element) -> str:
    text = node.get("Format") or UNSPECIFIED
    if len(text) > LONGEST_FORMAT:
        raise SubjectMissing(expected=f"a Format of at most {LONGEST_FORMAT} characters", received=text)
    return text


def _attributes(assertion: Element) -> dict[str, list[str]]:
    """Return the texts of each attribute by its name; a value that has elements inside says nothing to us."""
    found: dict[str, list[str]] = {}
    for statement in children(assertion, SAML, "AttributeStatement"):
        for attribute in statement.iterchildren(prescreen.ATTRIBUTE):
            texts = [text for value in attribute.iterchildren(prescreen.VALUE) if (text := text_of(value))]
            found.setdefault(attribute.get("Name") or "", []).extend(texts)
    return found


def _claimed_person(assertion: Element) -> ClaimedPerson:
    """Return whom an assertion names, whatever is wrong with it."""
    named = (node for subject in children(assertion, SAML, "Subject") for node in children(subject, SAML, "NameID"))
    subject = next((plain_text(node) or "" for node in named), "")
    sent = {name: tuple(values[:KEPT_VALUES]) for name, values in _attributes(assertion).items()}
    return ClaimedPerson(subject, sent, _encrypted_attributes(assertion))


def _encrypted_attributes(assertion: Element) -> int:
    statements = children(assertion, SAML, "AttributeStatement")
    return sum(len(children(statement, SAML, "EncryptedAttribute")) for statement in statements)


def _authn_context(statement: Element) -> str:
    contexts = (
        plain_text(node) or ""
        for context in children(statement, SAML, "AuthnContext")
        for node in children(context, SAML, "AuthnContextClassRef")
    )
    return next(contexts, "")[:LONGEST_TEXT]
