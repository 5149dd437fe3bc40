"""The providers as pages of docs/: `python -m sso.guides.guide docs/providers` writes them, always the same."""

import importlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from orgs.providers.attributes import WELL_KNOWN, AttributeRow
from orgs.providers.habits import READ_ATTRIBUTES
from orgs.providers.registry import PROVIDERS
from orgs.providers.types import Absent, FormField, MetadataWay, Provider, SpValue
from sso.guides import troubleshooting
from sso.guides.markdown import bullets, code, numbered, page, plain, table
from sso.guides.troubleshooting import refusals_in
from sso.identity import errors as identity_errors
from sso.identity.errors import SignInError
from sso.saml import errors, status

COMMAND = "python -m sso.guides.guide docs/providers sso.admission.errors sso.signin.errors"
MEANING = dict(READ_ATTRIBUTES)
REFUSALS = (*refusals_in(errors), *refusals_in(status), *refusals_in(identity_errors))
WAYS = {MetadataWay.URL: "By link", MetadataWay.FILE: "As a file", MetadataWay.MANUAL: "By hand"}


def pages(refusals: Sequence[type[SignInError]] = REFUSALS) -> Mapping[str, str]:
    """Return every page by the name of its file."""
    guides = {f"{one.code}.md": render(one, refusals) for one in PROVIDERS}
    return {
        "README.md": _index(),
        **guides,
        troubleshooting.PAGE: troubleshooting.render(PROVIDERS, refusals),
    }


def render(provider: Provider, refusals: Sequence[type[SignInError]] = REFUSALS) -> str:
    """Return one provider's guide."""
    return page(*_at_the_provider(provider), *_between_both(provider), *_later(provider, refusals))


def write(folder: Path, refusals: Sequence[type[SignInError]] = REFUSALS) -> None:
    """Write every page, as it is rendered now, into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages(refusals).items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def main(arguments: Sequence[str]) -> int:
    """Write the pages into the folder that is given, with the refusals of the modules that are named after it."""
    if not arguments:
        sys.stderr.write(f"usage: {COMMAND} [module with more refusals ...]\n")
        return 2
    # those who raise more refusals are layers above, so they are named by whoever calls
    more = [one for name in arguments[1:] for one in refusals_in(importlib.import_module(name))]
    write(Path(arguments[0]), [*REFUSALS, *more])
    return 0


def _at_the_provider(provider: Provider) -> Sequence[str]:
    """Return the guide up to the point where the provider's form is filled in."""
    return (
        f"# {provider.name}: {_title(provider)}",
        provider.guide.summary,
        (
            f"This takes about ten minutes and two windows: one with the console of {provider.party}, one with **Organization "
            "settings → Authentication & SSO** in Gatehouse. Start a connection there first, because it makes the values "
            "to copy. Nothing changes for your people until you turn it on."
        ),
        "## 1. Make the application",
        numbered(provider.guide.before),
        "## 2. Copy our values into it",
        (
            "They are in the order of the form. The connection’s page shows them in the same order, each with a button that "
            "copies it."
        ),
        table(("Field", "Value", "Remark"), [_copy_row(provider, one) for one in provider.guide.form]),
        "Then:" if provider.guide.after_copy else "",
        numbered(provider.guide.after_copy),
    )


def _between_both(provider: Provider) -> Sequence[str]:
    """Return the part about what the provider sends, of people and of itself, and for whom."""
    return (
        "## 3. Send names and addresses",
        table(("Name to type", "Source", "What it becomes", "Remark"), map(_attribute_row, provider.guide.attributes)),
        numbered(provider.guide.attribute_steps),
        "## 4. Hand the metadata over",
        "On the connection’s page, by the first of these ways that suits you. Where to find it:",
        bullets(f"**{WAYS[one.way]}**: {plain(one.label)}." for one in provider.guide.metadata),
        "## 5. Let people in",
        numbered(provider.guide.assign),
    )


def _later(provider: Provider, refusals: Sequence[type[SignInError]]) -> Sequence[str]:
    """Return the part about testing, and about what may go wrong."""
    return (
        "## 6. Test, then turn it on",
        (
            "Run the test sign-in on the connection’s page. It shows what came and every check, and changes nothing. When all "
            "checks pass, turn the connection on."
        ),
        *_provisioning(provider),
        "## When its certificate is renewed",
        numbered(provider.guide.renewal),
        "## Good to know",
        bullets(map(plain, provider.guide.traps)),
        f"## {troubleshooting.SECTION}",
        (
            f"The refusal has a code, and the code points at a setting. [All codes]({troubleshooting.PAGE}) says what "
            "each means."
        ),
        troubleshooting.fixes(provider, refusals),
        f"*Made from {code(f'orgs/providers/{provider.code}')}, as the page in Gatehouse is. Change it there.*",
    )


def _title(provider: Provider) -> str:
    if isinstance(provider.scim, Absent) or isinstance(provider.scim.setup, Absent):
        return "sign-in by SAML"
    return "sign-in by SAML, provisioning by SCIM"


def _provisioning(provider: Provider) -> Sequence[str]:
    """Return the part about SCIM, why there is none, or nothing where the provider may be any."""
    if isinstance(provider.scim, Absent):
        return ()
    if isinstance(provider.scim.setup, Absent):
        return ("## 7. Provision people by SCIM", provider.scim.setup.reason)
    setup = provider.scim.setup
    return (
        "## 7. Provision people by SCIM",
        (
            "Where you want people and groups to come, change and leave by themselves. The page Authentication & SSO shows "
            "the Base URL and generates the bearer token. **Rehearse** there makes the same calls beforehand, where they are "
            "known in their order."
        ),
        numbered(setup.all_steps),
        "### What is read",
        table(
            (provider.name, "Attribute", "What it is for"),
            [(plain(each.source), code(each.attribute), MEANING[each.attribute]) for each in setup.sources],
        ),
        "Other attributes are kept and given back, and change nothing here.",
        "### What happens here",
        table(("At " + provider.name, "Here"), [(plain(each.act), plain(each.outcome)) for each in setup.effects]),
        "### Where to look",
        (
            f"{plain(setup.records.text)} Here, the page **Provisioning log** has each request, its answer, and what to do "
            "when it failed."
        ),
        bullets(map(plain, setup.traps)),
    )


def _index() -> str:
    ways = ((one, ", ".join(WAYS[hint.way].lower() for hint in one.guide.metadata)) for one in PROVIDERS)
    return page(
        "# Identity providers",
        "How to connect each one by SAML, in the words of its own console. The pages in Gatehouse that guide you through "
        "it are made from the same source.",
        table(
            ("Provider", "What it takes there", "Its metadata comes"),
            [(f"[{one.name}]({one.code}.md)", plain(one.guide.summary), its) for one, its in ways],
        ),
        f"When a sign-in is refused: [all codes]({troubleshooting.PAGE}).",
        "## Names of attributes",
        "Each guide says which names to give. These are understood as well, without any mapping; the first that the answer "
        "holds is taken. Any other name can be entered on the connection’s page.",
        table(
            ("What it becomes", "Names"),
            [(field.label, ", ".join(map(code, names))) for field, names in WELL_KNOWN.items()],
        ),
        "## For developers",
        f"A provider is one folder in {code('orgs/providers')}. After a change, write these "
        f"pages again: {code(f'.venv/bin/{COMMAND}')}.",
    )


def _copy_row(provider: Provider, row: FormField) -> tuple[str, str, str]:
    remark = " ".join(part for part in ("" if row.required else "Optional.", plain(row.hint)) if part)
    value = plain(row.choice) if row.value is None else _value(provider, row.value)
    return (f"**{plain(row.label)}**", value, remark)


def _value(provider: Provider, value: SpValue) -> str:
    if value is SpValue.NAME_ID_FORMAT:
        return code(provider.guide.name_id_format)
    if value is SpValue.SUBJECT_NAME:
        return "the person’s email address"
    if value is SpValue.SP_CERTIFICATE:
        return "the file that the connection’s page offers: Download SP certificate"
    return f"your {value.label}, from the connection’s page"


def _attribute_row(row: AttributeRow) -> tuple[str, str, str, str]:
    return (code(row.name), plain(row.source), row.field.label, "" if row.required else "Optional.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
