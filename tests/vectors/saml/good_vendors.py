"""More vendors' messages that must be accepted. Each says whose habit it shows."""

from tests.vectors.saml import vendors
from tests.vectors.saml.accepted import EMAIL, EVENING, Good
from tests.vectors.saml.signing import CANONICAL, COMMENTS, ENVELOPED, WITH_COMMENTS, Style

FUSIONAUTH = {"id": ("00000000-0000-0001-0000-000000000000",), "email": EMAIL, "first_name": ("Uma",)}
AMAZON = {"Email": EMAIL, "FirstName": ("Uma",)}

VENDORS = {
    "amazon_assertion": Good(
        vendors.AMAZON,
        Style(transforms=WITH_COMMENTS.transforms),
        session_expires_at=EVENING,
        attributes=AMAZON,
        habit="Amazon’s IAM Identity Center names exclusive canonicalization with comments as transform.",
    ),
    "amazon_response": Good(
        vendors.AMAZON,
        None,
        Style(canonicalisation=COMMENTS, transforms=ENVELOPED + CANONICAL),
        session_expires_at=EVENING,
        attributes=AMAZON,
        habit="Amazon’s IAM Identity Center names exclusive canonicalization with comments as method.",
    ),
}
