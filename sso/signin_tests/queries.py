from collections.abc import Sequence
from uuid import UUID

from orgs.providers.attributes import AttributeRow, ProfileField
from orgs.providers.registry import provider
from orgs.tenancy.models import Organization
from sso.admission.queries import attribute_names
from sso.connections.models import Configuration, Connection
from sso.identity.profile import ClaimedProfile, preview_profile
from sso.identity.types import VerifiedIdentity, from_json
from sso.signin_tests.models import SignInTest
from sso.signin_tests.types import ProfileRow, Reading, ReceivedRow, SignInTestStatus, SignInTestUnknown

TESTS_LOOKED_AT = 10


def find_test(org: Organization, public_id: UUID) -> SignInTest:
    """Raises SignInTestUnknown."""
    found = (
        SignInTest.objects.filter(org=org, public_id=public_id)
        .select_related("connection__org", "configuration", "attempt", "started_by")
        .first()
    )
    if found is None:
        raise SignInTestUnknown
    return found


def latest_tests(connection: Connection, count: int) -> Sequence[SignInTest]:
    """Return the newest tests of a connection."""
    tests = SignInTest.objects.filter(org_id=connection.org_id, connection=connection)
    return list(tests.select_related("configuration", "attempt").order_by("-id")[:count])


def awaited_test(connection: Connection, public_id: UUID) -> SignInTest | None:
    """Return the test of this connection that still waits for its result; none when its version was discarded."""
    found = SignInTest.objects.filter(
        org_id=connection.org_id, connection=connection, public_id=public_id, status=SignInTestStatus.WAITING
    )
    return found.select_related("configuration", "connection__org").first()


def received_rows(test: SignInTest) -> list[ReceivedRow]:
    """Return each attribute that a test received; as rows, for a template would take one named `items` for the method."""
    left_out = test.claims.get("left_out", {})
    sent = test.claims.get("attributes", {})
    return [ReceivedRow(name, tuple(values), left_out.get(name, 0)) for name, values in sent.items()]


def profile_rows(test: SignInTest) -> list[ProfileRow]:
    """Return the profile that a test would give, field by field, and from which attribute each value came."""
    found, sources = test.profile, test.profile.get("sources", {})
    return [ProfileRow(field.label, found.get(field, ""), sources.get(field, "")) for field in ProfileField]


def missing_fields(
    chosen: Configuration, claims: VerifiedIdentity, profile: ClaimedProfile
) -> tuple[ProfileField, ...]:
    """Return the fields for which no attribute was sent, of those that the provider's guide says are needed.

    An address that only the Name ID holds is one: at the next change of its format nobody could sign in any more.
    """
    rows = provider(chosen.provider).guide.attributes
    return tuple(row.field for row in rows if row.required and profile.sources.get(row.field) not in claims.attributes)


def missing_rows(test: SignInTest) -> list[AttributeRow]:
    """Return those rows of the provider's guide for which a test has received nothing that is needed."""
    missing = test.profile.get("missing", [])
    return [row for row in provider(test.configuration.provider).guide.attributes if row.field in missing]


def last_reading(connection: Connection, chosen: Configuration) -> Reading | None:
    """Return what this version would read from what the newest test received; None when none has received anything."""
    test = next((test for test in latest_tests(connection, TESTS_LOOKED_AT) if test.claims), None)
    if test is None:
        return None
    claims = from_json(test.claims)
    found = preview_profile(claims, attribute_names(connection, chosen))
    rows = {
        field: ProfileRow(field.label, getattr(found, field), found.sources.get(field, "")) for field in ProfileField
    }
    return Reading(test.started_at, rows, tuple(claims.attributes))
