"""A response as JumpCloud, Okta and Entra ID would send it. Pure: keys and clock come as arguments.

Nothing here is shared with the code that reads it: an error in one can't hide behind the same error in the other.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from secrets import token_hex
from typing import cast

from lxml import etree

from sandbox.test_idp.dialects import DIALECTS, Dialect
from sandbox.test_idp.signature import sign
from sandbox.test_idp.types import (
    App,
    Attribute,
    AuthnRequestFacts,
    Fault,
    IdpPerson,
    Keys,
    NameIdSource,
    ResponseOptions,
    Source,
)

PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
XS = "http://www.w3.org/2001/XMLSchema"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
STATUS = "urn:oasis:names:tc:SAML:2.0:status"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"  # noqa: S105 - a class of sign-in
ENTITY = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
LIFE = timedelta(minutes=5)
AGE = timedelta(hours=1)
ELSEWHERE = "https://other-app.example/saml"


@dataclass(frozen=True, slots=True)
class AssertionFacts:
    """What a response claims, before it is written down; unsolicited, it has no request id."""

    made_at: datetime
    request_id: str
    issuer: str
    destination: str
    recipient: str
    audience: str
    not_before: datetime
    not_on_or_after: datetime
    attributes: tuple[Attribute, ...]
    is_refusal: bool = False


def answer(
    app: App,
    person: IdpPerson,
    request: AuthnRequestFacts | None,
    choice: ResponseOptions,
    *,
    keys: Keys,
    now: datetime,
) -> bytes:
    """Return the response as it goes out, signed as the choice says; without a request it is unsolicited."""
    unsigned = build_response(app, person, request, choice, now=now)
    if choice.fault is Fault.UNSIGNED:
        return unsigned
    pair = keys.other if choice.fault is Fault.OTHER_KEY else keys.signing
    return sign(unsigned, pair, choice, DIALECTS[app.style])


def build_response(
    app: App, person: IdpPerson, request: AuthnRequestFacts | None, choice: ResponseOptions, *, now: datetime
) -> bytes:
    """Return the response without its signatures (SAML Core §3.3.3, Profiles §4.1.4.2)."""
    claims = _spoiled(_good_claims(app, request, choice, now), choice.fault)
    dialect = DIALECTS[app.style]
    nsmap = {dialect.protocol: PROTOCOL, **({"xs": XS} if dialect.inclusive else {})}
    response = etree.Element(f"{{{PROTOCOL}}}Response", nsmap=nsmap)
    _stamp_message(response, now)
    _set(response, Destination=claims.destination, InResponseTo=claims.request_id)
    _add_issuer(response, claims, dialect)
    _add_status(response, claims)
    if not claims.is_refusal:
        assertion = _child(response, "Assertion", nsmap={dialect.assertion: SAML})
        _stamp_message(assertion, now)
        _add_issuer(assertion, claims, dialect)
        _add_subject(assertion, app, person, claims)
        _add_conditions(assertion, claims)
        _add_statements(assertion, person, claims, dialect)
    return etree.tostring(response)


def _good_claims(app: App, request: AuthnRequestFacts | None, choice: ResponseOptions, now: datetime) -> AssertionFacts:
    return AssertionFacts(
        made_at=now,
        request_id=request.id if request else "",
        issuer=app.idp_entity_id,
        destination=app.acs_url,
        recipient=app.acs_url,
        audience=app.sp_entity_id,
        not_before=now - LIFE,
        not_on_or_after=now + LIFE,
        attributes=choice.attributes,
    )


def _spoiled(good: AssertionFacts, fault: Fault) -> AssertionFacts:
    """Return the claims with this fault, and nothing else wrong."""
    match fault:
        case Fault.EXPIRED:
            return replace(good, not_before=good.not_before - AGE, not_on_or_after=good.not_on_or_after - AGE)
        case Fault.NOT_YET_VALID:
            return replace(good, not_before=good.not_before + AGE, not_on_or_after=good.not_on_or_after + AGE)
        case Fault.WRONG_AUDIENCE:
            return replace(good, audience=ELSEWHERE)
        case Fault.WRONG_RECIPIENT:
            return replace(good, recipient=ELSEWHERE)
        case Fault.WRONG_DESTINATION:
            return replace(good, destination=ELSEWHERE)
        case Fault.WRONG_ISSUER:
            return replace(good, issuer="https://other-idp.example/saml")
        case Fault.NO_EMAIL:
            return replace(good, attributes=tuple(one for one in good.attributes if one.source is not Source.EMAIL))
        case Fault.STATUS_FAILURE:
            return replace(good, is_refusal=True)
    # the others are made by the signature, or by sending an old response
    return good


def stamp(moment: datetime) -> str:
    """Return UTC to the millisecond, as xs:dateTime."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def _stamp_message(element: etree._Element, now: datetime) -> None:
    _set(element, ID=_new_id(), Version="2.0", IssueInstant=stamp(now))


def _set(element: etree._Element, **given: str) -> None:
    """Set those of the attributes that have a value."""
    for name, text in given.items():
        if text:
            element.set(name, text)


def _new_id() -> str:
    # an xs:ID begins with no digit
    return f"_{token_hex(16)}"


def _name_id(app: App, person: IdpPerson) -> str:
    if app.name_id is NameIdSource.CUSTOM:
        return app.custom_name_id
    return "".join(person.values(Source(app.name_id)))


def _child(
    parent: etree._Element, name: str, text: str = "", nsmap: dict[str | None, str] | None = None, **given: str
) -> etree._Element:
    """Add an element of the assertion's namespace, with these attributes."""
    # lxml takes None for the default namespace; its stubs don't
    child = etree.SubElement(parent, f"{{{SAML}}}{name}", given, nsmap=cast("dict[str, str] | None", nsmap))
    child.text = text or None
    return child


def _add_issuer(parent: etree._Element, claims: AssertionFacts, dialect: Dialect) -> None:
    given = {"Format": ENTITY} if dialect.inclusive else {}
    _child(parent, "Issuer", claims.issuer, {dialect.assertion: SAML}, **given)


def _add_status(response: etree._Element, claims: AssertionFacts) -> None:
    status = etree.SubElement(response, f"{{{PROTOCOL}}}Status")
    code = etree.SubElement(status, f"{{{PROTOCOL}}}StatusCode", {"Value": f"{STATUS}:Success"})
    if claims.is_refusal:
        code.set("Value", f"{STATUS}:Responder")
        etree.SubElement(code, f"{{{PROTOCOL}}}StatusCode", {"Value": f"{STATUS}:RequestDenied"})
        message = etree.SubElement(status, f"{{{PROTOCOL}}}StatusMessage")
        message.text = "This person isn't assigned to the app."


def _add_subject(assertion: etree._Element, app: App, person: IdpPerson, claims: AssertionFacts) -> None:
    subject = _child(assertion, "Subject")
    _child(subject, "NameID", _name_id(app, person), Format=app.name_id_format)
    confirmation = _child(subject, "SubjectConfirmation", Method=BEARER)
    confirmed = _child(confirmation, "SubjectConfirmationData", NotOnOrAfter=stamp(claims.not_on_or_after))
    _set(confirmed, Recipient=claims.recipient, InResponseTo=claims.request_id)


def _add_conditions(assertion: etree._Element, claims: AssertionFacts) -> None:
    begin, end = stamp(claims.not_before), stamp(claims.not_on_or_after)
    conditions = _child(assertion, "Conditions", NotBefore=begin, NotOnOrAfter=end)
    _child(_child(conditions, "AudienceRestriction"), "Audience", claims.audience)


def _add_statements(assertion: etree._Element, person: IdpPerson, claims: AssertionFacts, dialect: Dialect) -> None:
    session = _child(assertion, "AuthnStatement", AuthnInstant=stamp(claims.made_at), SessionIndex=_new_id())
    _child(_child(session, "AuthnContext"), "AuthnContextClassRef", PASSWORD)
    told = [(one.name, values) for one in claims.attributes if (values := person.values(one.source))]
    if not told:
        # the schema wants at least one attribute
        return
    statement = _child(assertion, "AttributeStatement")
    for name, values in told:
        _add_attribute(statement, name, values, dialect)


def _add_attribute(statement: etree._Element, name: str, values: tuple[str, ...], dialect: Dialect) -> None:
    attribute = _child(statement, "Attribute", Name=name)
    _set(attribute, NameFormat=dialect.name_format)
    for text in values:
        nsmap: dict[str | None, str] = {"xs": XS, "xsi": XSI} if dialect.value_type else {}
        value = _child(attribute, "AttributeValue", text, nsmap)
        _set(value, **{f"{{{XSI}}}type": dialect.value_type})
