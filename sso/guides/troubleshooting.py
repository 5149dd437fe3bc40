"""What each refusal means, and which setting it points at: a page for all providers, and a table for each."""

from collections.abc import Iterable, Iterator, Sequence
from types import ModuleType

from orgs.providers.idp_settings import Setting
from orgs.providers.types import Provider
from sso.guides.markdown import bullets, code, page, plain, table
from sso.identity.errors import SignInError
from sso.saml import metadata_errors
from sso.saml.metadata_errors import MetadataError

PAGE = "troubleshooting.md"
SECTION = "When a sign-in is refused"
SETTING_LABELS = {
    Setting.SP_ENTITY_ID: "SP Entity ID",
    Setting.ACS_URL: "ACS URL",
    Setting.IDP_ENTITY_ID: "IdP Entity ID",
    Setting.METADATA: "Metadata and certificate",
    Setting.NAME_ID: "Subject Name (Name ID)",
    Setting.ALGORITHM: "Signature algorithm",
    Setting.CANONICALIZATION: "Canonicalization",
    Setting.SIGNING: "What is signed",
    Setting.ENCRYPTION: "Encryption",
    Setting.ATTRIBUTES: "Attributes",
    Setting.ASSIGNMENT: "Who may use the app",
    Setting.REQUEST: "What we send",
    Setting.IDP_INITIATED: "Who begins the sign-in",
    Setting.DOMAIN: "Domain of the address",
    Setting.CLOCK: "Clock",
    Setting.NOTHING: "No setting",
}


def refusals_in(module: ModuleType) -> tuple[type[SignInError], ...]:
    """Return the refusals that a module defines, in its order."""
    return tuple(one for one in _defined_in(module) if issubclass(one, SignInError) and one is not SignInError)


def fixes(provider: Provider, refusals: Sequence[type[SignInError]]) -> str:
    """Return the table of settings: the codes that point at each, and what to change at this provider."""
    rows = [
        (SETTING_LABELS[setting], _codes(setting, refusals), plain(provider.guide.fixes[setting]))
        for setting in Setting
    ]
    return table(("It points at", "Codes", f"What to do at {provider.party}"), rows)


def render(providers: Iterable[Provider], refusals: Sequence[type[SignInError]]) -> str:
    """Return the page of all codes."""
    anchor = SECTION.lower().replace(" ", "-")
    guides = [f"[{one.name}]({one.code}.md#{anchor})" for one in providers]
    return page(
        f"# {SECTION}",
        "Every refusal has a code that doesn’t change. The person reads one careful sentence; an admin also sees what "
        "was expected and what came. Find the code below: it says what is wrong, and which setting that points at. "
        "Where this setting is, and what it should be, is said for each provider:",
        bullets(guides),
        "## Answers of the identity provider",
        *[_refusal(one) for one in refusals],
        "## Metadata",
        "These are shown where metadata or a certificate is entered.",
        *[page(f"### {code(one.code)}", plain(one.public)).rstrip() for one in _metadata_errors()],
    )


def _defined_in(module: ModuleType) -> Iterator[type]:
    return (one for one in vars(module).values() if isinstance(one, type) and one.__module__ == module.__name__)


def _metadata_errors() -> list[type[MetadataError]]:
    return [one for one in _defined_in(metadata_errors) if issubclass(one, MetadataError) and one is not MetadataError]


def _codes(setting: Setting, refusals: Iterable[type[SignInError]]) -> str:
    codes = [one.code for one in refusals if one.setting is setting]
    return ", ".join(f"[{code(one)}]({PAGE}#{one})" for one in codes) or "–"


def _refusal(refusal: type[SignInError]) -> str:
    facts = (f"Points at: {SETTING_LABELS[refusal.setting]}", f"The person reads: “{plain(refusal.public)}”")
    advice = [plain(refusal.advice.replace("{received}", "the time that came"))] if refusal.advice else []
    return page(f"### {code(refusal.code)}", plain(refusal.private), *advice, bullets(facts)).rstrip()
