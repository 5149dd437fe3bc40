"""Every page that a person can see, by whose browser it is seen in. Addresses have places that `world.make` fills."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from playwright.sync_api import Page

from orgs.tenancy.types import SignInMethod
from tests.e2e import questions, world
from tests.factories import PASSWORD

Act = Callable[[Page], None]
SETTINGS = "/orgs/{full}/settings/"
EMPTY = "/orgs/{empty}/settings/"
LONG = "/orgs/{long}/settings/"
TOKENS = "authentication/tokens/"
CONNECTIONS = SETTINGS + "authentication/connections/"


@dataclass(frozen=True, slots=True)
class Stop:
    """One page: its name, its address, and what its visitor does there before it is looked at."""

    name: str
    path: str
    act: Act | None = None


@dataclass(frozen=True, slots=True)
class Tour:
    """The pages of one visitor; without an address, nobody has signed in."""

    name: str
    email: str
    stops: tuple[Stop, ...]
    method: SignInMethod = SignInMethod.PASSWORD


def submit(page: Page, **fields: str) -> None:
    """Fill fields by name, and send the form in which they are."""
    for name, text in fields.items():
        page.locator(f"main [name={name}]").fill(text)
    with page.expect_navigation():
        page.locator("main form[method=post] button:not([type=button])").first.click()


def type_wrong_code(page: Page) -> None:
    submit(page, email="typo@people.example", password1=PASSWORD, password2=PASSWORD)
    submit(page, code="WRONG-CODE")


def submit_without_cookies(page: Page) -> None:
    page.context.clear_cookies()
    submit(page, login="anybody@people.example", password=PASSWORD)


def look_up(page: Page) -> None:
    """An address whose organization has no connection; the page on the way goes on by itself."""
    page.locator("main [name=email]").fill("nobody@people.example")
    page.locator("main form[method=post] button").first.click()
    page.wait_for_url("**/sso/continue/**")


def open_all(page: Page) -> None:
    """Every part that folds is unfolded, menus apart."""
    page.evaluate("document.querySelectorAll('main details').forEach(part => { part.open = true })")


def press_delete(page: Page) -> None:
    """The button is free without the script only; the server asks for the name again."""
    page.evaluate("document.getElementById('delete-connection').disabled = false")
    page.locator("#confirm").fill("another name")
    page.evaluate("document.getElementById('delete-connection').disabled = false")
    with page.expect_navigation():
        page.locator("#delete-connection").click()


def open_dialog(page: Page) -> None:
    page.locator("[data-open]").first.click()


def open_menu(page: Page) -> None:
    page.locator("header details.menu-pop > summary").click()


def open_organizations(page: Page) -> None:
    page.evaluate("document.querySelector('#side details').open = true")


def press(name: str) -> Act:
    """Press the first button or link of this name, and wait for the page to which it leads."""

    def act(page: Page) -> None:
        control = page.locator("main :is(a, button)").filter(has_text=name).first
        with page.expect_navigation():
            control.click()

    return act


def fill(**fields: str) -> Act:
    return partial(submit, **fields)


def add_bad_address(page: Page) -> None:
    questions.wait_for_address(page)
    submit(page, email="nobody@nowhere")


def activate_without_answer(page: Page) -> None:
    """The answer lacks the reason."""
    press("Activate")(page)
    page.evaluate("document.querySelectorAll('main [name=reason]').forEach(field => { field.required = false })")
    press("Activate")(page)


OUTSIDE = Tour(
    "signed out",
    "",
    (
        Stop("sign-in", "/accounts/login/"),
        Stop("sign-in refused", "/accounts/login/", fill(login="nobody@people.example", password="not-the-password")),
        Stop("sign-up", "/accounts/signup/"),
        Stop(
            "sign-up refused",
            "/accounts/signup/",
            fill(email="new@people.example", password1="1234", password2="12345"),
        ),
        Stop(
            "sign-up sent",
            "/accounts/signup/",
            fill(email="new@people.example", password1=PASSWORD, password2=PASSWORD),
        ),
        Stop("code refused", "/accounts/signup/", type_wrong_code),
        Stop("second step", "/accounts/login/", fill(login=world.GUARDED, password=PASSWORD)),
        Stop("password reset", "/accounts/password/reset/"),
        Stop("password reset refused", "/accounts/password/reset/", fill(email="nobody@nowhere")),
        Stop("password reset sent", "/accounts/password/reset/done/"),
        Stop("password reset link", "/accounts/password/reset/key/{reset}/"),
        Stop("password reset link used", "/accounts/password/reset/key/1-none-none/"),
        Stop("password reset done", "/accounts/password/reset/key/done/"),
        Stop("password reset link of a new account", "/accounts/password/reset/key/{reset_of_claim}/"),
        Stop("address link", "/accounts/confirm-email/not-a-key/"),
        Stop("account closed", "/accounts/inactive/"),
        Stop("single sign-on", "/sso/"),
        Stop("single sign-on refused", "/sso/", fill(email="nobody")),
        Stop("single sign-on unknown", "/sso/", look_up),
        Stop("sign-in through an IdP refused", "/saml/{connection}/finish"),
        Stop("single sign-on off", "/saml/{ready}/login"),
        Stop("invitation", "/invitations/{invitation}/"),
        Stop("invitation unknown", "/invitations/ghi_nothing/"),
        Stop("invitation of a taken address", "/invitations/{invitation_of_taken_address}/"),
        Stop(
            "invitation of an address that is free now",
            "/invitations/{invitation_of_taken_address}/",
            press("This isn’t my account"),
        ),
        Stop("address missing", "/accounts/login/", questions.wait_for_address),
        Stop("address missing refused", "/accounts/login/", add_bad_address),
        Stop("switch signed out", "/saml/{connection}/switch?id={question}", questions.bring_handle),
        Stop("not found", "/nowhere/"),
        Stop("too many attempts", "/limited/"),
        Stop("broken", "/fails/"),
        Stop("form out of date", "/accounts/login/", submit_without_cookies),
    ),
)
ACCOUNT = (
    Stop("addresses", "/accounts/email/"),
    Stop("address removal", "/accounts/email/", open_dialog),
    Stop("password", "/accounts/password/change/"),
    Stop("password refused", "/accounts/password/change/", fill(oldpassword="x", password1="1234", password2="12345")),
    Stop("two-factor", "/accounts/2fa/"),
    Stop("authenticator app refused", "/accounts/2fa/totp/activate/"),
    Stop("passkeys", "/accounts/2fa/webauthn/"),
    Stop("passkey new", "/accounts/2fa/webauthn/add/"),
    Stop("sessions", "/accounts/sessions/"),
    Stop("prove password", "/accounts/reauthenticate/"),
    Stop("sign-out", "/accounts/logout/"),
)
NOBODY = Tour("account without organization", world.NOBODY, (Stop("no organization", "/"), *ACCOUNT))
GUARDED = Tour(
    "account with factors",
    world.GUARDED,
    (
        Stop("two-factor on", "/accounts/2fa/"),
        Stop("passkeys full", "/accounts/2fa/webauthn/"),
        Stop("passkey name", "/accounts/2fa/webauthn/keys/{passkey}/edit/"),
        Stop("passkey removal", "/accounts/2fa/webauthn/keys/{passkey}/remove/"),
        Stop("authenticator app off", "/accounts/2fa/totp/deactivate/"),
        Stop("recovery codes", "/accounts/2fa/recovery-codes/"),
        Stop("recovery codes new", "/accounts/2fa/recovery-codes/generate/"),
        Stop("prove code", "/accounts/2fa/reauthenticate/"),
        Stop("prove passkey", "/accounts/2fa/webauthn/reauthenticate/"),
    ),
)
GUEST = Tour(
    "guest", world.GUEST, (Stop("waiting memberships", "/"), Stop("invitation signed in", "/invitations/{invitation}/"))
)
READER = Tour(
    "plain user",
    world.READER,
    (
        Stop("home", "/orgs/{full}/"),
        Stop("not allowed", SETTINGS + "members/"),
        Stop("authenticator app new", "/accounts/2fa/totp/activate/"),
        Stop("switch", "/saml/{connection}/switch?id={question}", questions.bring_handle),
    ),
)
SENT = Tour("sent by an IdP", world.READER, (Stop("personal proof", "/accounts/email/"),), SignInMethod.SAML)
BEGINNER = Tour(
    "owner at the start",
    world.BEGINNER,
    (
        Stop("authentication empty", EMPTY + "authentication/"),
        Stop("members empty", EMPTY + "members/"),
        Stop("groups empty", EMPTY + "groups/"),
        Stop("domains empty", EMPTY + "domains/"),
        Stop("domain refused", EMPTY + "domains/", fill(name="gmail.com")),
        Stop("domain added", EMPTY + "domains/", fill(name="emptyco.example")),
        Stop("domain not found in DNS", EMPTY + "domains/", press("Check now")),
        Stop("domain removal", EMPTY + "domains/", press("Remove")),
        Stop("log empty", EMPTY + "provisioning-log/"),
        Stop("sign-in log empty", EMPTY + "sign-in-log/"),
        Stop("token new", EMPTY + TOKENS + "new/"),
        Stop("token new refused", EMPTY + TOKENS + "new/", fill(label="")),
        Stop("token generated", EMPTY + TOKENS + "new/", fill(label="JumpCloud")),
        Stop("authentication waiting", EMPTY + "authentication/"),
    ),
)
OWNER = Tour(
    "owner",
    world.OWNER,
    (
        Stop("authentication", SETTINGS + "authentication/"),
        Stop("authentication unfolded", SETTINGS + "authentication/", open_all),
        Stop("account menu", SETTINGS + "authentication/", open_menu),
        Stop("connection", CONNECTIONS + "{connection}/", open_all),
        Stop("connection to test", CONNECTIONS + "{ready}/"),
        Stop("connection with a new version", CONNECTIONS + "{renewed}/"),
        Stop("connection to turn off", CONNECTIONS + "{connection}/off/"),
        Stop("connection to delete", CONNECTIONS + "{connection}/delete/"),
        Stop("connection not deleted", CONNECTIONS + "{connection}/delete/", press_delete),
        Stop("connection new", CONNECTIONS + "new/"),
        Stop("connection new refused", CONNECTIONS + "new/", fill(name="")),
        Stop("set-up provider", CONNECTIONS + "{renewed}/setup/provider/"),
        Stop("set-up values", CONNECTIONS + "{renewed}/setup/values/", open_all),
        Stop("set-up attributes", CONNECTIONS + "{renewed}/setup/attributes/", open_all),
        Stop("set-up values unfinished", CONNECTIONS + "{begun}/setup/values/"),
        Stop("set-up attributes after a test", CONNECTIONS + "{ready}/setup/attributes/", open_all),
        Stop("set-up metadata by URL", CONNECTIONS + "{renewed}/setup/metadata/?way=url"),
        Stop(
            "set-up metadata refused",
            CONNECTIONS + "{renewed}/setup/metadata/?way=url",
            fill(url="http://nowhere.example"),
        ),
        Stop("set-up metadata by file", CONNECTIONS + "{renewed}/setup/metadata/?way=file"),
        Stop("set-up metadata by hand", CONNECTIONS + "{renewed}/setup/metadata/?way=manual"),
        Stop(
            "set-up metadata by hand refused",
            CONNECTIONS + "{renewed}/setup/metadata/?way=manual",
            fill(entity_id="urn:x", sign_in_url="http://x.example", certificate="no certificate"),
        ),
        Stop("set-up what was read", CONNECTIONS + "{ready}/setup/metadata/{snapshot}/"),
        Stop("set-up domain", CONNECTIONS + "{renewed}/setup/domain/"),
        Stop("rules of a connection", CONNECTIONS + "{renewed}/rules/"),
        Stop("set-up review", CONNECTIONS + "{renewed}/setup/review/", open_all),
        Stop("test waiting", SETTINGS + "authentication/tests/{test_waiting}/"),
        Stop("test failed", SETTINGS + "authentication/tests/{test_failed}/"),
        Stop("test passed", SETTINGS + "authentication/tests/{test_passed}/"),
        Stop("sign-in log", SETTINGS + "sign-in-log/"),
        Stop("sign-in log none found", SETTINGS + "sign-in-log/?q=nobody-at-all"),
        Stop("sign-in", SETTINGS + "sign-in-log/{attempt}/"),
        Stop("sign-in failed", SETTINGS + "sign-in-log/{failed_attempt}/"),
        Stop("sign-in with another Name ID", SETTINGS + "sign-in-log/{changed_attempt}/"),
        Stop("Name ID forgotten", SETTINGS + "sign-in-log/{changed_attempt}/", press("Forget this Name ID")),
        Stop("members", SETTINGS + "members/"),
        Stop("members of one state", SETTINGS + "members/?state=suspended"),
        Stop("members none found", SETTINGS + "members/?q=nobody-at-all"),
        Stop("groups", SETTINGS + "groups/"),
        Stop("groups none found", SETTINGS + "groups/?q=nothing"),
        Stop("group", SETTINGS + "groups/{group}/"),
        Stop("domains", SETTINGS + "domains/", open_all),
        Stop("domain verified and gone from DNS", SETTINGS + "domains/", press("Check now")),
        Stop("domain verified removal", SETTINGS + "domains/", press("Remove")),
        Stop("log", SETTINGS + "provisioning-log/"),
        Stop("log of failures", SETTINGS + "provisioning-log/?status=failed", open_all),
        Stop("log unfolded", SETTINGS + "provisioning-log/", open_all),
        Stop("audit log", SETTINGS + "audit/"),
        Stop("audit log unfolded", SETTINGS + "audit/?action=membership", open_all),
        Stop("audit log none found", SETTINGS + "audit/?q=nobody-at-all"),
        Stop("log none found", SETTINGS + "provisioning-log/?q=nothing-at-all"),
        Stop("call", SETTINGS + "provisioning-log/{call}/"),
        Stop("call failed", SETTINGS + "provisioning-log/{failed_call}/"),
        Stop("token revocation", SETTINGS + TOKENS + "{token}/revoke/"),
        Stop("token revocation refused", SETTINGS + TOKENS + "{token}/revoke/", submit),
        Stop("token rotation", SETTINGS + TOKENS + "{token}/rotate/"),
        Stop("token rotation refused", SETTINGS + TOKENS + "{token}/rotate/", fill(networks="jumpcloud")),
        Stop("token edit", SETTINGS + TOKENS + "{token}/"),
        Stop("token edit confirmed", SETTINGS + TOKENS + "{token}/", fill(networks="192.0.2.0/24")),
        Stop("guide", SETTINGS + "guides/jumpcloud/"),
        Stop("guide of all codes", SETTINGS + "guides/troubleshooting/"),
        Stop("guides", SETTINGS + "guides/README/"),
        Stop("rehearse", SETTINGS + "authentication/rehearsals/"),
        Stop("rehearse refused", SETTINGS + "authentication/rehearsals/", submit),
        Stop("rehearsal", SETTINGS + "authentication/rehearsals/{rehearsal}/"),
        Stop("rehearsal failed", SETTINGS + "authentication/rehearsals/{failed_rehearsal}/"),
        Stop("rehearsal waiting", SETTINGS + "authentication/rehearsals/{waiting_rehearsal}/"),
        Stop("token expired", SETTINGS + TOKENS + "{expired_token}/revoke/"),
        Stop("token revoked", SETTINGS + TOKENS + "{revoked_token}/revoke/"),
    ),
)
SPRAWL = Tour(
    "owner of long names",
    world.MANY_MEMBERSHIPS,
    (
        Stop("chooser", "/"),
        Stop("authentication long", LONG + "authentication/", open_all),
        Stop("organizations menu", LONG + "authentication/", open_organizations),
        Stop("members long", LONG + "members/"),
        Stop("groups long", LONG + "groups/"),
        Stop("group long", LONG + "groups/{long_group}/"),
        Stop("group empty", LONG + "groups/{empty_group}/"),
        Stop("domains long", LONG + "domains/", fill(name=f"{'a-long-label.' * 16}example")),
        Stop("log long", LONG + "provisioning-log/", open_all),
        Stop("call long", LONG + "provisioning-log/{long_call}/"),
        Stop("connection long", LONG + "authentication/connections/{long_connection}/"),
        Stop("certificate removed", LONG + "authentication/connections/{rolled}/", press("Activate")),
        Stop("certificate removed refused", LONG + "authentication/connections/{rolled}/", activate_without_answer),
        Stop("token revocation long", LONG + TOKENS + "{long_token}/revoke/"),
    ),
)
SUPPORT = Tour(
    "support",
    world.SUPPORT,
    (
        Stop("support index", "/admin/"),
        Stop("support list", "/admin/orgs/user/"),
        Stop("support row", "/admin/orgs/user/{row}/change/"),
        Stop("support history", "/admin/orgs/user/{row}/history/"),
        Stop("support calls", "/admin/scim/requestlog/"),
        Stop("support sign-ins", "/admin/sso/loginattempt/"),
        Stop("support connections", "/admin/sso/connection/"),
    ),
)
TOURS = (OUTSIDE, NOBODY, GUARDED, GUEST, READER, SENT, BEGINNER, OWNER, SPRAWL, SUPPORT)
