"""Texts that are spliced: each is what the objects of `render_user` and `render_group` would be."""

import json
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol.groups import MemberReference, render_group
from scim.protocol.paging import PageRequest, list_response
from scim.protocol.schemas import ENTERPRISE, GATEHOUSE_USER, USER
from scim.protocol.users import GroupReference, Identity, render_user
from scim.protocol.wire import group_text, list_text, read_ids, read_pairs, user_text

IDENTITY = Identity("7", 'https://x.example/"é\\', "2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z", 3)
ENTERPRISE_MEMBER = f'"{ENTERPRISE}":'
NAMES = st.sampled_from(["userName", "title", ENTERPRISE, GATEHOUSE_USER])
# what looks like a member inside of a text must not be taken for one
TEXTS = st.one_of(
    st.text(max_size=20), st.sampled_from([ENTERPRISE_MEMBER, ENTERPRISE, f"{{{ENTERPRISE_MEMBER} 1}}", '\\"'])
)
VALUES = st.one_of(TEXTS, st.dictionaries(st.sampled_from(["value", "type"]), TEXTS), st.lists(TEXTS, max_size=2))
SPACES = [(", ", ": "), (",", ":")]


@pytest.mark.parametrize("separators", SPACES)
@pytest.mark.parametrize("is_ascii", [True, False])
@given(document=st.dictionaries(NAMES, VALUES))
def test_user_text_is_render_user_for_whatever_is_stored(separators, is_ascii, document):
    text = json.dumps(document, separators=separators, ensure_ascii=is_ascii)
    assert json.loads(user_text(text, identity=IDENTITY)) == render_user(document, identity=IDENTITY, groups=[])


@given(name=st.text(max_size=20), location=st.text(max_size=20))
def test_groups_of_a_user_are_those_of_render_user(name, location):
    expected = render_user({"userName": "x"}, identity=IDENTITY, groups=[GroupReference("9", location, name)])
    assert json.loads(user_text('{"userName":"x"}', identity=IDENTITY, groups=[("9", location, name)])) == expected


@pytest.mark.parametrize("members", [None, [], ["1"], ["1", "2"]])
@pytest.mark.parametrize(("external_id", "role"), [("", ""), ('x"', "admin")])
def test_group_text_is_render_group(members, external_id, role):
    users = 'https://x.example/"Users'
    references = None if members is None else [MemberReference(one, f"{users}/{one}") for one in members]
    expected = render_group(
        identity=IDENTITY,
        display_name='a"é',
        external_id=external_id or None,
        members=references,
        organization_role=role,
    )
    given_text = group_text(
        identity=IDENTITY,
        display_name='a"é',
        external_id=external_id,
        organization_role=role,
        members=members,
        users=users,
    )
    assert json.loads(given_text) == expected


@pytest.mark.parametrize("resources", [[], ["{}"], ['{"a":1}', "{}"]])
def test_list_text_is_list_response(resources):
    page = PageRequest(3, 10)
    expected = list_response([json.loads(one) for one in resources], total=12, page=page)
    assert json.loads(list_text(resources, total=12, page=page)) == expected


@pytest.mark.parametrize("spell", [str, lambda scim_id: scim_id.hex])
def test_ids_of_either_database_are_read_in_canonical_form(spell):
    first, second = uuid4(), uuid4()
    assert read_ids(json.dumps([[spell(first)], [spell(second)]])) == [str(first), str(second)]
    assert read_pairs(json.dumps([[spell(first), "x"]])) == [(str(first), "x")]


def test_no_rows_are_an_empty_list():
    assert (read_ids(None), read_ids("[]"), read_pairs(None)) == ([], [], [])


@pytest.mark.parametrize(
    ("page", "found", "total"),
    [
        (PageRequest(1, 10), 3, 3),
        (PageRequest(11, 10), 3, 13),
        (PageRequest(1, 10), 0, 0),
        (PageRequest(1, 10), 10, None),
        (PageRequest(11, 10), 0, None),
        (PageRequest(1, 0), 0, None),
    ],
)
def test_total_is_told_by_a_page_only_where_it_is_the_last(page, found, total):
    assert page.total_by(found) == total


def test_user_without_attributes_is_still_an_object():
    assert json.loads(user_text("{}", identity=IDENTITY))["schemas"] == [USER]
