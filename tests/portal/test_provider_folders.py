"""Each folder of orgs/providers is whole: every part is there, or says why it isn't. Another folder is tested by being there."""

import re
from collections.abc import Iterator
from dataclasses import fields, replace

import pytest

from orgs.providers.attributes import ProfileField
from orgs.providers.habits import CallSequence, RequestFacts, RequestShape, ScimHabits
from orgs.providers.registry import ALL, PROVIDERS, SCIM_CLIENTS, name_of, provider
from orgs.providers.steps import StepRequest
from orgs.providers.types import Absent, Provider
from portal.simulator.plan import Plan, simulate
from scim.dialects.recognize import recognize, shows
from scim.dialects.walk import Send
from sso.connections.types import AttributeChoice
from sso.guides import guide
from sso.identity.profile import AttributeNames, read_profile
from sso.wizard.forms import AttributesForm, ProviderForm
from tests.architecture.source import ROOT
from tests.conftest import ScimClient
from tests.scim.test_jumpcloud_replay import connections_kept, sender_to
from tests.sso.saml.messages import accepted

FOLDERS = sorted(path.parent.name for path in (ROOT / "orgs/providers").glob("*/__init__.py"))
BY_CODE = {one.code: one for one in ALL}
SHAPES = [
    pytest.param(one.code, shape, id=f"{one.code}-{number}")
    for one, habits in SCIM_CLIENTS
    if not isinstance(habits.shapes, Absent)
    for number, shape in enumerate(habits.shapes)
]
SEQUENCES = {one.code: habits.calls for one, habits in SCIM_CLIENTS if isinstance(habits.calls, CallSequence)}
each_folder = pytest.mark.parametrize("folder", FOLDERS)
each_guide = pytest.mark.parametrize("one", PROVIDERS, ids=lambda one: one.code)


def parts_of(one: Provider) -> Iterator[object]:
    yield from (one.saml, one.scim)
    if isinstance(one.scim, ScimHabits):
        yield from (getattr(one.scim, part.name) for part in fields(one.scim))


@each_folder
def test_a_folder_is_a_provider_with_the_folders_name_as_its_code(folder: str) -> None:
    assert folder in BY_CODE
    # the columns in which codes are stored
    assert re.fullmatch(r"[a-z0-9]{1,20}", folder)
    assert name_of(folder) == BY_CODE[folder].name


def test_no_two_providers_share_a_name_or_a_place() -> None:
    assert len({one.name for one in ALL}) == len({one.place for one in ALL}) == len(ALL) == len(FOLDERS)


@each_folder
def test_a_part_is_there_or_says_in_a_sentence_why_it_is_not(folder: str) -> None:
    absent = [part.reason for part in parts_of(BY_CODE[folder]) if isinstance(part, Absent)]
    assert [reason for reason in absent if not reason.endswith(".") or len(reason) < 20] == []
    assert [part for part in parts_of(BY_CODE[folder]) if part is None] == []


@each_folder
def test_a_provider_without_a_guide_is_connected_as_any_other(folder: str) -> None:
    one = BY_CODE[folder]
    assert provider(folder).code == (one.code if one in PROVIDERS else "custom")
    if one not in PROVIDERS:
        with pytest.raises(LookupError, match=re.escape(one.name)):
            _ = one.guide


@each_guide
def test_a_guide_is_a_tile_of_the_wizard_and_a_page_of_the_docs(one: Provider) -> None:
    assert (one.code, one.name) in ProviderForm.base_fields["provider"].choices
    assert guide.render(one).startswith(f"# {one.name}: ")
    assert f"[{one.name}]({one.code}.md)" in guide.pages()["README.md"]


@each_guide
def test_a_guide_names_each_field_of_the_form_once(one: Provider) -> None:
    labels = [row.label for row in one.guide.form]
    assert len(set(labels)) == len(labels)


@each_guide
@pytest.mark.parametrize("field", ProfileField)
def test_each_alias_alone_is_read_and_can_be_entered_by_hand(one: Provider, field: ProfileField) -> None:
    names = AttributeNames(**{str(its): tuple(aliases) for its, aliases in one.guide.aliases.items()})
    form = AttributesForm(provider=one, chosen=AttributeChoice({}, one.guide.name_id_format))
    for alias in one.guide.aliases[field]:
        sent = {alias: ("uma@acme.example",)} | (
            {} if field is ProfileField.EMAIL else {"email": ("uma@acme.example",)}
        )
        found = read_profile(replace(accepted("jumpcloud_both"), attributes=sent), names)
        assert (getattr(found, field), found.sources[field]) == ("uma@acme.example", alias)
        assert form.fields[field].clean(alias) == alias


@each_guide
def test_no_address_is_of_two_providers(one: Provider) -> None:
    others = [end for other in PROVIDERS if other is not one for end in other.hosts]
    assert [(own, end) for own in one.hosts for end in others if f".{own}".endswith(f".{end}")] == []


def test_no_user_agent_names_two_providers() -> None:
    marks = [(mark, one.code) for one, habits in SCIM_CLIENTS for mark in habits.user_agents]
    assert [(mark, other) for mark, code in marks for other, its in marks if its != code and mark in other] == []


@pytest.mark.parametrize(("one", "habits"), SCIM_CLIENTS, ids=lambda one: getattr(one, "code", ""))
def test_a_user_agent_is_recognized_in_any_case(one: Provider, habits: ScimHabits) -> None:
    senders = {
        recognize(RequestFacts("GET", "/Users", user_agent=f"{m.title()}/1")).dialect for m in habits.user_agents
    }
    assert senders == {one.code}


@pytest.mark.parametrize(("code", "shape"), SHAPES)
def test_a_shape_fits_its_example_and_no_other_providers_does(code: str, shape: RequestShape) -> None:
    assert {case.values[0] for case in SHAPES if shows(shape.example, case.values[1])} == {code}
    assert shows(shape.example, shape)
    assert recognize(shape.example).dialect == code


def facts_of(call: StepRequest) -> RequestFacts:
    path, _, query = call.target.partition("?")
    return RequestFacts(call.method, path, query, body=call.body)


@pytest.mark.parametrize("code", SEQUENCES)
def test_the_calls_pass_at_our_endpoint_and_are_taken_for_nobody_elses(scim: ScimClient, code: str) -> None:
    with connections_kept():
        send: Send = sender_to(scim.directory, scim.token)
        for groups in (False, True):
            plan = Plan(
                test_email="probe@acme.example",
                groups=groups,
                twice=True,
                activate=groups,
                lifecycle=groups,
                people=6,
                calls=SEQUENCES[code],
            )
            results = [result for _, result in simulate(plan, send)]
            assert [result.reason for result in results if not result.passed] == []
            senders = {recognize(facts_of(result.sent)).dialect for result in results if result.sent}
            assert senders <= {code, None}
            assert code in senders
