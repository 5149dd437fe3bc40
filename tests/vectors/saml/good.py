"""The messages that must be accepted, each with what it says."""

from dataclasses import replace

from tests.vectors.saml import flavours
from tests.vectors.saml.accepted import AFTER_TEN, EMAIL, EVENING, Good
from tests.vectors.saml.flavours import CLAIMS, CONTEXT, FORMAT, MICROSOFT, PERSISTENT
from tests.vectors.saml.good_vendors import VENDORS
from tests.vectors.saml.signing import ENVELOPED, MORE, STANDARD, XENC, Style, canonical_with, x509_info

# the namespace without a prefix may be listed too
ALL_LISTED = Style(transforms=ENVELOPED + canonical_with("#default saml ds xs xsi"), is_prefixed=False)
OKTA_STYLE = Style(transforms=ENVELOPED + canonical_with("xs"), key_info=x509_info("idp"))


OKTA = {
    "flavour": flavours.OKTA,
    "name_id_format": f"{FORMAT}unspecified",
    "attributes": {"email": EMAIL, "groups": ("Everyone", "Admins")},
}
ENTRA_ATTRIBUTES = {
    f"{MICROSOFT}/identity/claims/tenantid": ("7d3c5a0e-7c3e-4f6c-9d5a-1f0e5b3f7a10",),
    f"{CLAIMS}/emailaddress": EMAIL,
    f"{CLAIMS}/givenname": ("Uma",),
    f"{MICROSOFT}/claims/authnmethodsreferences": (f"{CONTEXT}Password", f"{MICROSOFT}/claims/multipleauthn"),
}
RSA_SHA512 = Style(method=f"{MORE}rsa-sha512", digest=f"{XENC}sha512")
RSA_SHA384 = Style(method=f"{MORE}rsa-sha384", digest=f"{MORE}sha384")

# by how the name of a vector begins, where it says nothing of its own
HABITS = {
    "jumpcloud": "JumpCloud signs the response, the assertion or both, as its form says; spaces and Id attributes differ by age.",
    "rotation": "While JumpCloud’s certificate is renewed, answers come signed by either key.",
    "ec": "Providers that let an admin choose the key sign with ECDSA.",
    "okta": "Okta signs both by default and lists the prefix xs, which is declared in each value or above them.",
    "entra": "Entra ID writes fractions of seven digits, claims as URLs, and the assertion without a prefix.",
    "google": "Google signs the assertion by default, and its Name ID has no format of its own.",
    "onelogin": "OneLogin signs the response, and sends an attribute also where it has no value.",
    "unsolicited": "Providers with a portal begin by themselves, with a persistent Name ID and a session that never ends.",
}
PLAIN: dict[str, Good] = {
    "jumpcloud_assertion": Good(flavours.JUMPCLOUD, STANDARD, session_expires_at=EVENING),
    "jumpcloud_response": Good(flavours.JUMPCLOUD, None, STANDARD, session_expires_at=EVENING),
    "jumpcloud_both": Good(flavours.JUMPCLOUD, STANDARD, STANDARD, session_expires_at=EVENING),
    "jumpcloud_pretty_assertion": Good(flavours.pretty(flavours.JUMPCLOUD), STANDARD, session_expires_at=EVENING),
    "jumpcloud_pretty_both": Good(flavours.pretty(flavours.JUMPCLOUD), STANDARD, STANDARD, session_expires_at=EVENING),
    "jumpcloud_answers_inside_assertion": Good(flavours.JUMPCLOUD_ANSWERS_INSIDE, STANDARD, session_expires_at=EVENING),
    "jumpcloud_answers_inside_response": Good(
        flavours.JUMPCLOUD_ANSWERS_INSIDE, None, STANDARD, session_expires_at=EVENING
    ),
    "jumpcloud_airy_assertion": Good(flavours.airy(flavours.JUMPCLOUD), STANDARD, session_expires_at=EVENING),
    "jumpcloud_airy_response": Good(flavours.airy(flavours.JUMPCLOUD), None, STANDARD, session_expires_at=EVENING),
    "jumpcloud_named_references": Good(
        flavours.JUMPCLOUD,
        Style(uri=' Id="ref-1" URI="#_assertion-1"'),
        Style(uri=' Id="ref-2" URI="#_response-1"'),
        session_expires_at=EVENING,
    ),
    "jumpcloud_sha512": Good(flavours.JUMPCLOUD, RSA_SHA512, RSA_SHA384, session_expires_at=EVENING),
    "rotation_signed_by_the_second_key": Good(
        flavours.JUMPCLOUD,
        Style(key="other", key_info=x509_info("other")),
        session_expires_at=EVENING,
        pinned=("idp", "other"),
    ),
    "rotation_each_signed_by_another_key": Good(
        flavours.JUMPCLOUD, STANDARD, Style(key="other"), session_expires_at=EVENING, pinned=("idp", "other")
    ),
    "ec_assertion": Good(
        flavours.JUMPCLOUD,
        Style(key="ec", method=f"{MORE}ecdsa-sha256"),
        session_expires_at=EVENING,
        pinned=("ec",),
    ),
    "okta_both": Good(**OKTA, assertion=OKTA_STYLE, response=OKTA_STYLE),  # type: ignore[arg-type]
    # two components signed: what the outer one covers has lost the namespace that the inner one lists
    "okta_both_xs_listed_inside": Good(**OKTA, assertion=OKTA_STYLE, response=STANDARD),  # type: ignore[arg-type]
    "okta_assertion_xs_above": Good(
        flavours.OKTA_XS_ABOVE,
        OKTA_STYLE,
        name_id_format=f"{FORMAT}unspecified",
        attributes={"email": EMAIL},
    ),
    "okta_both_xs_above": Good(
        flavours.OKTA_XS_ABOVE,
        OKTA_STYLE,
        OKTA_STYLE,
        name_id_format=f"{FORMAT}unspecified",
        attributes={"email": EMAIL},
    ),
    "entra_assertion": Good(
        flavours.ENTRA,
        Style(key_info=x509_info("idp"), is_prefixed=False),
        fraction=".1234567",
        issued_at="2026-03-01T12:00:00.123456+00:00",
        expires_at="2026-03-01T12:11:30.123456+00:00",
        session_index="_assertion-1",
        authn_context=f"{CONTEXT}Password",
        attributes=ENTRA_ATTRIBUTES,
    ),
    "entra_both_default_listed": Good(
        flavours.ENTRA,
        ALL_LISTED,
        ALL_LISTED,
        expires_at=AFTER_TEN,
        session_index="_assertion-1",
        authn_context=f"{CONTEXT}Password",
        attributes=ENTRA_ATTRIBUTES,
    ),
    "google_assertion": Good(
        flavours.GOOGLE,
        STANDARD,
        name_id_format=f"{FORMAT}unspecified",
        authn_context=f"{CONTEXT}unspecified",
        attributes={"first_name": ("Uma",), "email": EMAIL},
    ),
    "onelogin_response": Good(
        flavours.ONELOGIN,
        None,
        STANDARD,
        session_expires_at=EVENING,
        attributes={"User.email": EMAIL, "User.FirstName": ("Uma",), "memberOf": ()},
    ),
    "unsolicited_persistent": Good(
        flavours.UNSOLICITED,
        STANDARD,
        name_id="3f9a-Ω-41",
        name_id_format=PERSISTENT,
        in_response_to="",
        session_index="",
        session_expires_at="9999-12-31T23:59:59.999999+00:00",
        attributes={
            "urn:oid:0.9.2342.19200300.100.1.3": EMAIL,
            "mail": ("uma@acme.example", "u.unal@acme.example"),
        },
    ),
    **VENDORS,
}
GOOD = {name: replace(one, habit=one.habit or HABITS[name.partition("_")[0]]) for name, one in PLAIN.items()}
