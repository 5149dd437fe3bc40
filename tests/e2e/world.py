"""The rows behind every page: the demo's organizations, one in which everything is long, and people in every state."""

import tempfile
import time
from hashlib import sha256
from pathlib import Path

from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.mfa.webauthn.internal.auth import WebAuthn
from allauth.usersessions.models import UserSession
from django.contrib.sessions.backends.base import SessionBase
from django.test import Client, RequestFactory
from fido2.cose import ES256
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorAttestationResponse,
    AuthenticatorData,
    CollectedClientData,
    RegistrationResponse,
)

from orgs.base.clock import now
from orgs.groups import services as groups
from orgs.groups.models import Group
from orgs.groups.types import GroupSource
from orgs.invitations import services as invitations
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.providers.idp_settings import NameIdFormat
from orgs.tenancy import access
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Membership, Organization, User
from orgs.tenancy.types import MembershipOrigin, Role, SignInMethod, SuspensionSource
from portal.site.verification.forms import AddressTokens
from sandbox import seeds, single_sign_on
from sandbox.cast import COLLEAGUES, EMPTYCO, NORTHWIND, STAFF
from scim.directories.models import Directory, ScimToken
from scim.directories.queries import first_directory
from scim.rehearsal import services as rehearsal
from scim.rehearsal.models import Rehearsal
from scim.rehearsal.types import RehearsalState
from scim.requests.models import RequestLog
from sso.attempts.models import LoginAttempt
from sso.connections import services as connections
from sso.connections.models import Connection
from sso.connections.types import STEPS, SignInRules
from sso.identity.types import VerifiedIdentity, as_json
from sso.metadata import services as metadata
from sso.signin_tests import services as signin
from sso.signin_tests.models import SignInTest
from sso.versions import services as versions
from tests.conftest import ScimClient
from tests.e2e import questions
from tests.factories import ACTOR, PASSWORD, MembershipFactory, OrganizationFactory, TokenFactory, UserFactory

OWNER, BEGINNER, READER = NORTHWIND.owner.email, EMPTYCO.owner.email, COLLEAGUES[Role.USER].email
MANY_MEMBERSHIPS, NOBODY, GUEST, GUARDED = (f"{name}@people.example" for name in ("lou", "nobody", "gus", "gia"))
SUPPORT = STAFF
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"
LONG_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 3
LONG_ADDRESS = (
    f"{'first.middle.and.last.name.of.somebody.with.many.names' * 2}"[:64] + f"@{'a-long-label.' * 12}example"
)
NAMES = (
    LONG_WORD[:200],
    "محمد عبد الرحمن الخوارزمي",
    "👩🏽‍💻 Zoë 🇧🇷",
    "An ordinary name, but one that goes on for " * 4,
)

Words = dict[str, str]


def make() -> Words:
    """Everything exists; returns what fills the places in the tours' addresses."""
    seeds.seed()
    northwind = Organization.objects.get(slug=NORTHWIND.slug)
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-idp-"))
    single_sign_on.connect(single_sign_on.SandboxIdp("http://127.0.0.1:8001", folder))
    found = {"full": NORTHWIND.slug, "empty": EMPTYCO.slug, "long": _sprawl().slug}
    found |= _of_directory(first_directory(northwind))
    found |= _of_long(Organization.objects.get(slug=found["long"]))
    found |= _of_people(northwind)
    found |= _of_connections(northwind, folder)
    return found


def _of_directory(directory: Directory) -> Words:
    tokens = ScimToken.objects.filter(directory=directory)
    calls = RequestLog.objects.filter(directory=directory)
    rows = {
        "token": tokens.get(label="JumpCloud production"),
        "revoked_token": tokens.get(label="JumpCloud, first try"),
        "expired_token": tokens.get(label="JumpCloud trial"),
        "call": calls.filter(status=200).first(),
        "failed_call": calls.filter(status=409).first(),
        "group": Group.objects.filter(org_id=directory.org_id).first(),
    }
    found = {name: str(row.public_id) for name, row in rows.items()}
    return found | _rehearsals(directory)


def _rehearsals(directory: Directory) -> Words:
    """One that passed, one that failed, and one that nobody has begun."""
    passed = rehearsal.ask_rehearsal(directory=directory, provider="okta", with_groups=True, actor=ACTOR)
    rehearsal.run_rehearsal(rehearsal=passed)
    passed.refresh_from_db()
    failed_step = {**passed.steps[1], "outcome": "failed", "status": 409, "reason": "Answered 409 instead of 201."}
    failed = Rehearsal.objects.create(
        org_id=directory.org_id,
        directory=directory,
        provider="jumpcloud",
        state=RehearsalState.FAILED,
        steps=[passed.steps[0], failed_step],
        made=["/Users/9d2c"],
        asked_at=now(),
        ended_at=now(),
    )
    waiting = rehearsal.ask_rehearsal(directory=directory, provider="entra", with_groups=False, actor=ACTOR)
    return {
        "rehearsal": str(passed.public_id),
        "failed_rehearsal": str(failed.public_id),
        "waiting_rehearsal": str(waiting.public_id),
    }


def _sprawl() -> Organization:
    """An organization of long, right-to-left and pictured names, in which the mistakes of a directory show, too."""
    name = "The International Society of Organizations Whose Names Are Considerably Longer Than Anybody Expected " * 2
    org = OrganizationFactory(name=name[:200].strip(), slug="sprawl", owner_email=MANY_MEMBERSHIPS)
    token = TokenFactory(directory=first_directory(org), label=LONG_WORD[:100]).plain
    scim = ScimClient(first_directory(org), str(token), Client())
    ids = [_push(scim, f"long{number}@sprawl.example", shown) for number, shown in enumerate(NAMES)]
    ids.append(_push(scim, LONG_ADDRESS, ""))
    for shown in (LONG_WORD[:256], "فريق الهندسة", "🛠️ Tools"):
        scim.post("/Groups", {"displayName": shown, "members": [{"value": identity} for identity in ids]})
    scim.post("/Groups", {"displayName": "Nobody's", "members": []})
    scim.post("/Users", {"userName": LONG_ADDRESS})
    scim.patch(f"/Users/{ids[0]}", {"Operations": [{"op": "replace", "path": "active", "value": False}]})
    scim.get("/" + "deep/" * 50)
    return org


def _push(scim: ScimClient, address: str, shown: str) -> str:
    body = {"userName": address, "displayName": shown, "emails": [{"value": address, "primary": True}]}
    return str(scim.post("/Users", body).json()["id"])


def _of_long(org: Organization) -> Words:
    rows = {
        "long_group": Group.objects.filter(org=org, name__startswith="Donau").first(),
        "empty_group": groups.create_group(org=org, name="Empty", source=GroupSource.SCIM, actor=ACTOR),
        "long_token": ScimToken.objects.filter(org=org).first(),
        "long_call": RequestLog.objects.filter(org=org, status=409).first(),
    }
    return {name: str(row.public_id) for name, row in rows.items() if row is not None}


def _of_connections(northwind: Organization, folder: Path) -> Words:
    """Connections in every state: on, just begun, ready to be tested, tested, with a new version, and with long names."""
    document, okta = (
        single_sign_on.SandboxIdp(url, folder).metadata()
        for url in ("https://sso.jumpcloud.com", "https://northwind.okta.com")
    )
    working = Connection.objects.get(org=northwind)
    begun = _connection("northwind", "Google, begun", b"", provider="google")
    ready, renewed, long = (
        _connection("northwind", "Okta, for the subsidiary", okta, provider="okta"),
        _connection("northwind", "JumpCloud Europe", document, is_on=True),
        _connection("sprawl", LONG_WORD[:100], document, provider="entra"),
    )
    versions.begin_reconfiguration(connection=renewed, actor=ACTOR)
    snapshot = metadata.take_document(connection=ready, document=okta, url="https://northwind.okta.com/app/metadata")
    attempts = LoginAttempt.objects.filter(org=northwind)
    rows = {
        "connection": working,
        "begun": begun,
        "ready": ready,
        "renewed": renewed,
        "long_connection": long,
        "snapshot": snapshot,
        "attempt": attempts.filter(outcome="signed_in").first(),
        "failed_attempt": attempts.filter(error="audience_mismatch").first(),
        **_tests(ready, attempts.filter(error="audience_mismatch").get()),
    }
    rolled = _connection("sprawl", "JumpCloud, whose certificate is new", document, is_on=True)
    named = {name: str(row.public_id) for name, row in rows.items() if row is not None}
    return named | {"rolled": str(rolled.public_id)} | questions.make(northwind, working, rolled)


def _connection(
    slug: str, name: str, document: bytes, *, provider: str = "jumpcloud", is_on: bool = False
) -> Connection:
    org = Organization.objects.get(slug=slug)
    made = metadata.create_connection(org=org, name=name, rules=SignInRules(), actor=ACTOR)
    email = NameIdFormat.EMAIL
    versions.choose_provider(connection=made, provider=provider, name_id_format=email, revision=1, actor=ACTOR)
    for step in STEPS:
        versions.reach_step(connection=made, step=step)
    if document:
        snapshot = metadata.take_document(connection=made, document=document)
        metadata.use_snapshot(connection=made, snapshot=snapshot, revision=2, actor=ACTOR)
        versions.finish_setup(connection=made, actor=ACTOR)
    if is_on:
        connections.turn_on(connection=made, actor=ACTOR, without_test=True)
    return made


def _tests(connection: Connection, refused: LoginAttempt) -> dict[str, SignInTest]:
    """Test sign-ins in each state; what was received is what an IdP sends."""
    owner = User.objects.get(email=OWNER)
    claims = VerifiedIdentity(
        assertion_id="_1",
        issuer="urn:gatehouse:northwind:sandbox",
        subject=OWNER,
        subject_format=NameIdFormat.EMAIL,
        attributes={
            "email": (OWNER,),
            "firstname": ("Mara",),
            "memberOf": ("Sales", LONG_WORD[:120]),
            LONG_WORD[:90]: (),
        },
        request_id="_2",
        session_index="_3",
        issued_at=now(),
        expires_at=now(),
        session_expires_at=None,
        authn_context="",
        signed=frozenset({"response"}),
    )
    found = {}
    for status in ("waiting", "failed", "passed"):
        test = signin.start_test(connection=connection, actor=ACTOR, starter=owner)
        test.status = status
        if status != "waiting":
            test.attempt, test.claims = refused, as_json(claims)
        if status == "passed":
            test.attempt = LoginAttempt.objects.filter(org=connection.org, outcome="signed_in").first()
            test.profile = {
                "email": OWNER,
                "given_name": "Mara",
                "sources": {"email": "email", "given_name": "firstname"},
            }
            test.preview = "signs_in"
        test.save()
        found[f"test_{status}"] = test
    return found


def _of_people(northwind: Organization) -> Words:
    nobody, lou = UserFactory(email=NOBODY), User.objects.get(email=MANY_MEMBERSHIPS)
    EmailAddress.objects.create(user=nobody, email=f"second.{LONG_ADDRESS}", verified=False)
    claim = tenancy.sign_up(email="claim@people.example", password=PASSWORD)
    UserFactory(email=GUEST)
    people.join(membership=_membership(northwind, MANY_MEMBERSHIPS), user=lou, actor=ACTOR)
    inviting = (OrganizationFactory(name="Harbour Works"), Organization.objects.get(slug="sprawl"))
    memberships = [_membership(org, GUEST) for org in inviting]
    held = MembershipFactory(org=northwind, email="held@people.example")
    people.suspend_membership(
        membership=held, source=SuspensionSource.ADMIN, reason="On leave until the spring", actor=ACTOR
    )
    prepared = invitations.prepare_invitation(
        org=memberships[1].org, membership_public_id=str(memberships[1].public_id)
    )
    assert prepared is not None
    guard(UserFactory(email=GUARDED))
    staff = guard(User.objects.get(email=SUPPORT))
    return {
        "invitation": prepared[1],
        "reset": _reset_key(nobody),
        "reset_of_claim": _reset_key(claim),
        "passkey": str(
            Authenticator.objects.filter(user__email=GUARDED, type="webauthn").values_list("pk", flat=True)[0]
        ),
        "row": str(staff.pk),
    }


def _reset_key(user: User) -> str:
    return f"{user_pk_to_url_str(user)}-{AddressTokens(user.email).make_token(user)}"


def _membership(org: Organization, address: str) -> Membership:
    return people.create_membership(
        org=org, profile=Profile(email=address), origin=MembershipOrigin.INVITE, actor=ACTOR
    )


def guard(user: User) -> User:
    """The account has an authenticator app, a passkey and recovery codes; returns it."""
    TOTP.activate(user, generate_totp_secret())
    RecoveryCodes.activate(user)
    for name in ("Laptop", LONG_WORD[:90]):
        WebAuthn.add(user, name, _passkey(name))
    return user


def _passkey(name: str) -> dict[str, object]:
    """Return what a browser sends when it has made a passkey, with a made-up key."""
    identity = sha256(name.encode()).digest()
    key = ES256({1: 2, 3: -7, -1: 1, -2: identity, -3: identity})
    made = AttestedCredentialData.create(Aaguid.NONE, identity, key)
    proof = AuthenticatorData.create(sha256(b"localhost").digest(), AuthenticatorData.FLAG.AT, 0, made)
    shown = AuthenticatorAttestationResponse(
        client_data=CollectedClientData.create("webauthn.create", b"challenge", "http://localhost"),
        attestation_object=AttestationObject.create("none", proof, {}),
    )
    return dict(RegistrationResponse(raw_id=identity, response=shown))


def session_of(email: str, method: SignInMethod = SignInMethod.PASSWORD) -> str:
    """Return the cookie of a session in which this account has just shown password and second step, or an IdP's word."""
    client, user = Client(), User.objects.get(email=email)
    client.force_login(user)
    session = client.session
    access.open_session_grants(session, user, method)
    session["account_authentication_methods_user"] = str(user.pk)
    shown = [{"method": "password", "email": email}, {"method": "mfa", "type": "totp", "reauthenticated": True}]
    session["account_authentication_methods"] = [{**proof, "at": time.time()} for proof in shown]
    session.save()
    _list_session(user, session)
    return str(session.session_key)


def _list_session(user: User, session: SessionBase) -> None:
    """The page of sessions knows this one, as it knows those that the sign-in page begins."""
    request = RequestFactory().get("/", HTTP_USER_AGENT=FIREFOX)
    request.user, request.session, request.client_ip = user, session, "203.0.113.7"  # type: ignore[attr-defined]
    UserSession.objects.create_from_request(request)
