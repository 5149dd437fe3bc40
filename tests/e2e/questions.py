"""The rows behind what is asked before an address, a session, a Name ID or a certificate changes hands."""

import tempfile
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

from allauth.account.internal.stagekit import stash_login
from allauth.account.models import EmailAddress, Login
from allauth.account.stages import EmailVerificationStage, LoginStageController
from django.test import Client, RequestFactory
from playwright.sync_api import Page

from orgs.base import credentials
from orgs.base.clock import now
from orgs.invitations import services as invitations
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.providers.idp_settings import NameIdFormat
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import AddressVerification, Membership, Organization, User
from orgs.tenancy.types import IdpSession, MembershipOrigin, SignInMethod
from sandbox import single_sign_on
from sandbox.cast import COLLEAGUES, DOMAIN
from sso.admission.errors import SubjectChanged
from sso.attempts.services import record_attempt
from sso.attempts.types import AttemptOutcome, AttemptRecord, ClientInfo
from sso.connections import services as connections
from sso.connections.models import Connection
from sso.identity.types import SignInCheck, VerifiedIdentity
from sso.metadata import services as metadata
from sso.signin import cookies
from sso.signin.models import PendingSignIn
from sso.versions import services as versions
from tests.factories import ACTOR, UserFactory

HANDLE = "ghp_the-handle-of-a-browser-that-is-asked"
EARLY, LOST = f"early.bird@{DOMAIN}", "lost@people.example"
FORMER_NAME_ID, NEW_NAME_ID = "00u1a2b3c4d5e6f7g8h9", "00u9z8y7x6w5v4u3t2s1"


def make(northwind: Organization, connection: Connection, rolled: Connection) -> dict[str, str]:
    """Everything exists; returns what fills the places in the tours' addresses."""
    _lose_address()
    _roll_certificate(rolled)
    return {
        "invitation_of_taken_address": _invite_early_bird(northwind),
        "question": str(_ask(connection).public_id),
        "changed_attempt": _refuse_other_name_id(connection),
    }


def _invite_early_bird(northwind: Organization) -> str:
    """Somebody verified the address a year before the organization verified its domain. Returns the link's secret."""
    account = UserFactory(email=EARLY)
    AddressVerification.objects.filter(user=account).update(verified_at=now() - timedelta(days=365))
    waiting = people.create_membership(
        org=northwind, profile=Profile(email=EARLY), origin=MembershipOrigin.INVITE, actor=ACTOR
    )
    prepared = invitations.prepare_invitation(org=northwind, membership_public_id=str(waiting.public_id))
    assert prepared is not None
    return prepared[1]


def _ask(connection: Connection) -> PendingSignIn:
    """Somebody else's sign-in waits for the answer of whoever has this handle."""
    asked = next(iter(COLLEAGUES.values())).email
    return PendingSignIn.objects.create(
        org_id=connection.org_id,
        connection=connection,
        handle_digest=credentials.digest(HANDLE),
        version=1,
        claims={},
        replaces=User.objects.exclude(email=asked).first(),
        email=asked,
        expires_at=now() + timedelta(hours=1),
    )


def bring_handle(page: Page) -> None:
    """Let the browser be the one that is asked, and load the page anew."""
    pending = UUID(page.url.rpartition("id=")[2])
    _add_cookie(page, cookies.HANDLE + pending.hex, HANDLE)
    page.reload()


def _add_cookie(page: Page, name: str, value: str) -> None:
    """Add it as the site sets it, for every path."""
    page.context.add_cookies([{"name": name, "value": value, "url": "/".join(page.url.split("/")[:3])}])


def _refuse_other_name_id(connection: Connection) -> str:
    """A member who is linked was named in another way. Returns the public id of that sign-in."""
    member = connection.org.memberships.get(email=f"ines@{DOMAIN}")
    persistent = NameIdFormat.PERSISTENT
    connections.remember_identity(
        connection=connection, membership=member, name_id=FORMER_NAME_ID, name_id_format=persistent, actor=ACTOR
    )
    refusal = SubjectChanged(expected=FORMER_NAME_ID, received=NEW_NAME_ID)
    passed = [check for check in SignInCheck if check is not refusal.check]
    claims = VerifiedIdentity(
        "_1", "urn:x", NEW_NAME_ID, persistent, {}, "_2", "", now(), now(), None, "", frozenset({"response"})
    )
    caller = ClientInfo("198.51.100.7", "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0", "r-1")
    entry = AttemptRecord(AttemptOutcome.REFUSED, caller, passed, 1, refusal, claims, member.email, membership=member)
    return str(record_attempt(connection=connection, entry=entry).public_id)


def _roll_certificate(connection: Connection) -> None:
    """The tested version trusts another certificate than the one in force, by which somebody is signed in."""
    live = connection.configurations.get()
    (former,) = live.certificates.all()
    membership = Membership.objects.filter(org_id=connection.org_id, user__isnull=False).first()
    assert membership is not None
    idp = IdpSession(connection.public_id, "_s", (former.fingerprint,))
    later = now() + timedelta(hours=8)
    for _ in range(3):
        tenancy.grant_session(
            membership=membership, session=uuid4(), method=SignInMethod.SAML, expires_at=later, idp=idp
        )
    draft = versions.begin_reconfiguration(connection=connection, actor=ACTOR)
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-idp-"))
    document = single_sign_on.SandboxIdp("https://sso.jumpcloud.com", folder).metadata()
    snapshot = metadata.take_document(connection=connection, document=document)
    metadata.use_snapshot(connection=connection, snapshot=snapshot, revision=draft.revision, actor=ACTOR)
    draft.refresh_from_db()
    draft.certificates.filter(fingerprint=former.fingerprint).delete()
    versions.finish_setup(connection=connection, actor=ACTOR)
    draft.refresh_from_db()
    versions.note_test_passed(configuration=draft, revision=draft.revision, tester="Lou", actor=ACTOR)


def _lose_address() -> None:
    account = UserFactory(email=LOST)
    tenancy.remove_account_address(user=account, address=LOST)
    assert not EmailAddress.objects.filter(user=account).exists()


def wait_for_address(page: Page) -> None:
    """Let the browser be one in which such an account has just shown its passkey."""
    request = RequestFactory().get("/")
    request.session = Client().session
    # the first one: others lose theirs on the way
    login = Login(user=User.objects.filter(email="").earliest("pk"))
    LoginStageController(request, login).set_current(EmailVerificationStage.key)
    stash_login(request, login)
    request.session.save()
    _add_cookie(page, "sessionid", str(request.session.session_key))
    page.goto(page.url.replace("/accounts/login/", "/accounts/add-address/"))
