"""Messages that were changed after they were signed, and messages that say, well signed, what can't be accepted."""

import re
from collections.abc import Iterator

from tests.vectors.saml.defects import (
    ASSERTION_HEAD,
    ASSERTION_ISSUER,
    ATTRIBUTE,
    AUDIENCE,
    BEARER,
    BOUNDS,
    CONFIRMED,
    DESTINATION,
    FAILURE_CODE,
    FORMAT,
    NAME_ID,
    OTHER_ISSUER,
    RECIPIENT,
    RESPONSE_HEAD,
    RESPONSE_ISSUER,
    RESTRICTION,
    SUBJECT,
    SUCCESS_CODE,
    WHO,
    Bad,
    altered,
    cut,
    made,
    re_edited,
    resigned,
    signed,
    unsigned,
    whole,
    whole_altered,
)
from tests.vectors.saml.flavours import CONTEXT, SUCCESS
from tests.vectors.saml.signing import STANDARD, sign
from tests.vectors.saml.world import ACS, IDP, SP

CONFIRMATION = re.compile(r"<saml:SubjectConfirmation .*</saml:SubjectConfirmation>")
AUTHN = re.compile(r"<saml:AuthnStatement .*</saml:AuthnStatement>")
NESTED = SUCCESS.replace(SUCCESS_CODE, FAILURE_CODE).replace(
    "></samlp:StatusCode>", f'><samlp:StatusCode Value="{SUCCESS_CODE}"/></samlp:StatusCode>'
)


# named after providers that can answer so: the code of our refusal, both status codes, and the message
FAILURES = {
    "jumpcloud_not_assigned": ("status_refused", "Responder", "RequestDenied", "Not assigned"),
    "entra_sign_in_failed": ("status_refused", "Responder", "AuthnFailed", "AADSTS50105: No role.\r\nTrace ID: 1"),
    "shibboleth_unknown_principal": ("status_refused", "Requester", "UnknownPrincipal", ""),
    "adfs_name_id_policy": ("status_name_id_policy", "Requester", "InvalidNameIDPolicy", ""),
    "keycloak_unsupported_binding": ("status_request", "Responder", "UnsupportedBinding", ""),
    "pingfederate_unsupported": ("status_request", "Requester", "RequestUnsupported", "Signature required"),
    "simplesamlphp_no_passive": ("status_request", "Responder", "NoPassive", ""),
    "okta_requester_alone": ("status_request", "Requester", "", "Invalid request"),
    "adfs_responder_alone": ("status_unexplained", "Responder", "", ""),
    "responder_of_unknown_reason": ("status_unexplained", "Responder", "NoAvailableIDP", ""),
    "version_mismatch": ("status_request", "VersionMismatch", "RequestVersionTooHigh", ""),
}


def failure(first: str = "Responder", second: str = "RequestDenied", said: str = "Not assigned") -> str:
    prefix = SUCCESS_CODE.removesuffix("Success")
    inner = f'<samlp:StatusCode Value="{prefix}{second}"/>' if second else ""
    said = f"<samlp:StatusMessage>{said}</samlp:StatusMessage>" if said else ""
    status = f'<samlp:Status><samlp:StatusCode Value="{prefix}{first}">{inner}</samlp:StatusCode>{said}</samlp:Status>'
    text = unsigned().replace("@RESPONSE@", "").replace(SUCCESS, status)
    return re.sub("<saml:Assertion .*</saml:Assertion>", "", text)


def without_subject() -> str:
    text = re.sub("<saml:Subject>.*</saml:Subject>", "", unsigned())
    return sign(text, STANDARD)


def alterations() -> Iterator[tuple[str, Bad]]:
    code = "signature_invalid"
    for name, old, new in (
        ("name_id", NAME_ID, NAME_ID.replace("uma", "olga")),
        ("name_id_space", NAME_ID, f" {NAME_ID}"),
        ("name_id_cdata", NAME_ID, NAME_ID.replace("uma@", "<![CDATA[olga@]]>")),
        ("name_id_format", f'Format="{FORMAT}"', 'Format="urn:x"'),
        ("audience", AUDIENCE, "<saml:Audience>https://other.example</saml:Audience>"),
        ("recipient", RECIPIENT, 'Recipient="https://attacker.example/acs"'),
        ("attribute", ATTRIBUTE, "Owners<"),
        ("end", BOUNDS, BOUNDS.replace("12:05", "23:05")),
        ("beginning", BOUNDS, BOUNDS.replace("11:55", "01:55")),
        ("by_an_attribute_more", ASSERTION_HEAD, f'{ASSERTION_HEAD} x="y"'),
        ("session", 'SessionIndex="_session-1"', 'SessionIndex="_session-2"'),
        ("confirmation_method", BEARER, f"{BEARER}x"),
        ("whitespace", SUBJECT, f"\n{SUBJECT}"),
        ("namespace", SUBJECT, '<x:Subject xmlns:x="urn:oasis:names:tc:SAML:2.0:assertion">'),
    ):
        ends = (("</saml:Subject>", "</x:Subject>"),) if name == "namespace" else ()
        yield f"altered_{name}", altered(code, (old, new), *ends)
    for name, old, new in (
        ("destination", DESTINATION, 'Destination="https://attacker.example/acs"'),
        ("status", SUCCESS_CODE, FAILURE_CODE),
        ("in_response_to", f'{ACS}" InResponseTo="_request-1"', f'{ACS}" InResponseTo="_request-2"'),
        ("response_issue", RESPONSE_HEAD, RESPONSE_HEAD.replace("12:00", "12:01")),
        ("name_id_in_signed_response", NAME_ID, NAME_ID.replace("uma", "olga")),
        ("extension", "<samlp:Status>", "<samlp:Extensions/><samlp:Status>"),
    ):
        yield f"altered_{name}", whole_altered(code, (old, new))
    yield "altered_within_both", altered(code, (NAME_ID, NAME_ID.replace("uma", "olga")), response=STANDARD)
    yield "altered_digest", re_edited(code, "(<ds:DigestValue>)...", r"\1AAA")
    yield "altered_signature_value", re_edited(code, "(<ds:SignatureValue>)...", r"\1AAA")
    yield "digest_not_of_content", Bad(code, wrong_digest)


def wrong_digest() -> str:
    text = signed()
    return resigned(re.sub("(<ds:DigestValue>)....", r"\1AAAA", text))


def senders() -> Iterator[tuple[str, Bad]]:
    code = "issuer_mismatch"
    yield "response_of_another_issuer", made(code, (RESPONSE_ISSUER, f"{OTHER_ISSUER}@RESPONSE@"))
    yield "assertion_of_another_issuer", made(code, (ASSERTION_ISSUER, f"{OTHER_ISSUER}@ASSERTION@"))
    yield "issuer_with_slash", made(code, (ASSERTION_ISSUER, ASSERTION_ISSUER.replace("</", "/</")))
    yield "issuer_in_upper_case", made(code, (ASSERTION_ISSUER, ASSERTION_ISSUER.replace("idp.example", "IDP.example")))
    # XML's own blanks around it are left out, but no others
    yield "issuer_with_hard_space", made(code, (ASSERTION_ISSUER, ASSERTION_ISSUER.replace("</", "\u00a0</")))
    yield "issuer_with_space_within", made(code, (ASSERTION_ISSUER, ASSERTION_ISSUER.replace("//", "// ")))
    yield "issuer_has_children", made(code, (ASSERTION_ISSUER, ASSERTION_ISSUER.replace("</", "<x/></")))
    yield "assertion_without_issuer", made(code, (ASSERTION_ISSUER, "@ASSERTION@"))
    yield "signed_response_without_issuer", whole(code, (RESPONSE_ISSUER, "@RESPONSE@"))
    yield (
        "response_with_two_issuers",
        whole(code, (RESPONSE_ISSUER, f"<saml:Issuer>{IDP}</saml:Issuer>{RESPONSE_ISSUER}")),
    )
    yield (
        "unsigned_response_with_two_issuers",
        made(code, (RESPONSE_ISSUER, f"<saml:Issuer>{IDP}</saml:Issuer>{RESPONSE_ISSUER}")),
    )
    yield "assertion_with_two_issuers", made(code, (ASSERTION_ISSUER, f"{OTHER_ISSUER}{ASSERTION_ISSUER}"))
    code = "status_unexplained"
    yield "failure_with_assertion", made(code, (SUCCESS_CODE, FAILURE_CODE))
    yield "failure_with_signed_assertion", whole(code, (SUCCESS_CODE, FAILURE_CODE))
    yield "failure_without_assertion", Bad("status_refused", failure)
    for name, (refused, *said) in FAILURES.items():
        yield f"failure_of_{name}", Bad(refused, lambda said=said: failure(*said))
    yield "status_value_missing", made(code, (f' Value="{SUCCESS_CODE}"', ""))
    yield "success_below_failure", made(code, (SUCCESS, NESTED))
    code = "message_misshapen"
    yield "no_status", made(code, (SUCCESS, ""))
    yield "two_statuses", made(code, (SUCCESS, SUCCESS * 2))
    yield (
        "two_status_codes",
        made(code, ("</samlp:Status>", f'<samlp:StatusCode Value="{SUCCESS_CODE}"/></samlp:Status>')),
    )


def addresses() -> Iterator[tuple[str, Bad]]:
    code = "destination_mismatch"
    yield "destination_elsewhere", made(code, (DESTINATION, 'Destination="https://portal.example/saml/9999/acs"'))
    yield "destination_empty", made(code, (DESTINATION, 'Destination=""'))
    yield "destination_with_query", made(code, (DESTINATION, f'Destination="{ACS}?x=y"'))
    yield "signed_response_without_destination", whole(code, (f" {DESTINATION}", ""))
    code = "recipient_mismatch"
    yield "recipient_elsewhere", made(code, (RECIPIENT, 'Recipient="https://portal.example/saml/9999/acs"'))
    yield "recipient_is_the_entity", made(code, (RECIPIENT, f'Recipient="{SP}"'))
    yield "recipient_missing", made(code, (f" {RECIPIENT}", ""))
    code = "in_response_to_mismatch"
    inner = 'InResponseTo="_request-1" NotOnOrAfter'
    yield "confirmation_answers_another_request", made(code, (inner, inner.replace("-1", "-2")))
    yield "confirmation_answers_none", made(code, (inner, "NotOnOrAfter"))
    long = inner.replace("_request-1", "a" * 257)
    yield (
        "confirmation_answers_long_request",
        made(code, (inner, long), (f'{ACS}" InResponseTo="_request-1"', f'{ACS}"')),
    )
    code = "confirmation_missing"
    yield "no_confirmation", cut(code, CONFIRMATION)
    yield "sender_vouches", made(code, (BEARER, BEARER.replace("bearer", "sender-vouches")))
    yield "holder_of_key", made(code, (BEARER, BEARER.replace("bearer", "holder-of-key")))
    bare = f'<saml:SubjectConfirmation Method="{BEARER}"/>'
    yield "confirmation_without_facts", cut(code, CONFIRMATION, bare)
    yield "confirmation_of_another_namespace", cut(code, CONFIRMATION, bare.replace("saml:", "samlp:"))
    yield "confirmation_facts_twice", made(code, (CONFIRMED, f"<saml:SubjectConfirmationData/>{CONFIRMED}"))


def times() -> Iterator[tuple[str, Bad]]:
    code = "assertion_expired"
    confirmed = 'NotOnOrAfter="2026-03-01T12:05:00.000Z" Recipient'
    yield "confirmation_over", made(code, (confirmed, confirmed.replace("12:05", "11:58")))
    yield "conditions_over", made(code, (BOUNDS, BOUNDS.replace("12:05", "11:58")))
    yield "session_over", made(code, ("2026-03-01T20:00:00.000Z", "2026-03-01T11:58:00Z"))
    yield "assertion_is_old", made(code, (ASSERTION_HEAD, ASSERTION_HEAD.replace("12:00", "11:48")))
    yield "response_is_old", made(code, (RESPONSE_HEAD, RESPONSE_HEAD.replace("12:00", "11:48")))
    code = "assertion_not_yet_valid"
    yield "conditions_begin_later", made(code, (BOUNDS, BOUNDS.replace("11:55", "12:02")))
    yield "assertion_of_tomorrow", made(code, (ASSERTION_HEAD, ASSERTION_HEAD.replace("03-01", "03-02")))
    yield "response_of_tomorrow", made(code, (RESPONSE_HEAD, RESPONSE_HEAD.replace("03-01", "03-02")))
    yield "confirmation_begins_later", made(code, (confirmed, f'NotBefore="2026-03-01T12:02:00Z" {confirmed}'))
    yield "signed_in_tomorrow", made(code, ('AuthnInstant="2026-03-01', 'AuthnInstant="2026-03-02'))


def unreadable_times() -> Iterator[tuple[str, Bad]]:
    code = "time_bounds_missing"
    confirmed = 'NotOnOrAfter="2026-03-01T12:05:00.000Z" Recipient'
    begins, ends = 'NotBefore="2026-03-01T11:55:00.000Z" ', ' NotOnOrAfter="2026-03-01T12:05:00.000Z">'
    yield "confirmation_without_end", made(code, (confirmed, "Recipient"))
    yield "neither_has_an_end", made(code, (confirmed, "Recipient"), (ends, ">"))
    yield "nothing_has_bounds", made(code, (confirmed, "Recipient"), (ends, ">"), (begins.rstrip(), ""))
    for name, text in {"empty": "", "words": "yesterday", "local_time": "2026-03-01T11:55:00"}.items():
        yield f"beginning_is_{name}", made(code, (begins, f'NotBefore="{text}" '))
        yield f"confirmation_beginning_is_{name}", made(code, (confirmed, f'NotBefore="{text}" {confirmed}'))
    yield "end_is_empty", made(code, (ends, ' NotOnOrAfter="">'))
    yield "assertion_without_issue_instant", made(code, (ASSERTION_HEAD, ASSERTION_HEAD.partition(" IssueInstant")[0]))
    yield "response_without_issue_instant", made(code, (RESPONSE_HEAD, RESPONSE_HEAD.partition(" IssueInstant")[0]))
    yield "statement_without_instant", made(code, ('AuthnInstant="2026-03-01T11:59:00.000Z" ', ""))
    for name, text in {
        "local_time": "2026-03-01T12:05:00",
        "offset": "2026-03-01T14:05:00+02:00",
        "leap_second": "2026-03-01T12:04:60Z",
        "no_day": "2026-02-30T12:05:00Z",
        "year_zero": "0000-03-01T12:05:00Z",
        "long_year": "12026-03-01T12:05:00Z",
        "words": "tomorrow",
        "arabic_digits": "٢٠٢٦-03-01T12:05:00Z",
    }.items():
        yield f"end_is_{name}", made(code, (ends, f' NotOnOrAfter="{text}">'))
    yield "no_conditions", made(code, (f"{BOUNDS}{RESTRICTION}</saml:Conditions>", ""))
    yield (
        "two_conditions",
        made(code, (f"{RESTRICTION}</saml:Conditions>", f"{RESTRICTION}</saml:Conditions><saml:Conditions/>")),
    )


def audiences() -> Iterator[tuple[str, Bad]]:
    code = "audience_mismatch"
    other = "<saml:AudienceRestriction><saml:Audience>https://other.example</saml:Audience></saml:AudienceRestriction>"
    yield "audience_of_another", made(code, (RESTRICTION, other))
    yield "two_restrictions_ours_first", made(code, (RESTRICTION, RESTRICTION + other))
    yield "two_restrictions_ours_last", made(code, (RESTRICTION, other + RESTRICTION))
    yield "audience_with_slash", made(code, (AUDIENCE, AUDIENCE.replace("</", "/</")))
    yield "audience_has_children", made(code, (AUDIENCE, AUDIENCE.replace("</", "<x/></")))
    yield "restriction_empty", made(code, (AUDIENCE, ""))
    yield "no_restriction", made("audience_missing", (RESTRICTION, ""))
    yield "condition_unknown", made("condition_unknown", (RESTRICTION, f"{RESTRICTION}<saml:Condition/>"))
    yield (
        "condition_of_another_namespace",
        made("condition_unknown", (RESTRICTION, f'{RESTRICTION}<x:OneTimeUse xmlns:x="urn:x"/>')),
    )


def subjects() -> Iterator[tuple[str, Bad]]:
    code = "subject_missing"
    yield "no_subject", Bad(code, without_subject)
    yield "two_subjects", made(code, (SUBJECT, f"<saml:Subject>{WHO}</saml:Subject><saml:Subject>"))
    yield "two_name_ids", made(code, (WHO, WHO + WHO))
    yield "no_name_id", made(code, (WHO, ""))
    # what Shibboleth sends where encryptNameIDs is on
    yield "encrypted_id", made("subject_encrypted", (WHO, "<saml:EncryptedID/>"))
    yield "encrypted_id_beside_name_id", made("subject_encrypted", (WHO, f"{WHO}<saml:EncryptedID/>"))
    yield "base_id", made(code, (WHO, "<saml:BaseID/>"))
    for name, text in {
        "empty": "",
        "of_spaces": "   ",
        "with_element": "uma@acme.example<x/>",
        "with_tab": "uma&#9;@acme.example",
        "with_line_break": "uma@acme\n.example",
        "with_mark_of_direction": "uma\u202e@acme.example",
        "with_next_line": "uma\x85@acme.example",
        "without_width": "uma\u200b@acme.example",
        "too_long": "u" * 513,
    }.items():
        yield f"name_id_{name}", made(code, (NAME_ID, f"{text}</saml:NameID>"))
    yield "name_id_format_too_long", made(code, (f'Format="{FORMAT}"', f'Format="urn:{"x" * 97}"'))
    yield "no_statement", cut("statement_missing", AUTHN)
    yield (
        "statement_of_another_kind",
        cut("statement_missing", AUTHN, f"<saml:AuthzDecisionStatement>{CONTEXT}</saml:AuthzDecisionStatement>"),
    )


def table() -> Iterator[tuple[str, Bad]]:
    for group in (alterations, senders, addresses, times, unreadable_times, audiences, subjects):
        yield from group()
