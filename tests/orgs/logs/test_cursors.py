"""A cursor names one row of one organization, and tells nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgs.logs.cursors import make_cursor, read_cursor

ROW_IDS = st.integers(min_value=0, max_value=2**63 - 1)


@given(org_id=ROW_IDS, row_id=ROW_IDS)
def test_read_cursor_returns_the_number_from_which_the_cursor_was_made(org_id, row_id):
    assert read_cursor(org_id, make_cursor(org_id, row_id)) == row_id


@given(text=st.text())
def test_read_cursor_returns_none_for_text_that_is_no_cursor(text):
    assert read_cursor(1, text) is None


def test_read_cursor_returns_none_for_another_organizations_cursor():
    assert read_cursor(2, make_cursor(1, 7)) is None


@pytest.mark.parametrize(
    "change", [str.lower, lambda text: text[:-1], lambda text: f"{text}AA", lambda text: text[::-1]]
)
def test_read_cursor_returns_none_for_a_changed_cursor(change):
    assert read_cursor(1, change(make_cursor(1, 7))) is None


def test_make_cursor_gives_consecutive_rows_unrelated_texts_of_one_length():
    made = [make_cursor(1, row_id) for row_id in range(50)]
    assert {len(text) for text in made} == {22}
    assert len({text[:4] for text in made}) == 50
