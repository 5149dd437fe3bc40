"""Pages by cursor: nothing twice, nothing left out, whatever arrives meanwhile."""

import pytest

from orgs.audit.models import AuditEvent
from orgs.audit.services import AuditTarget, record
from orgs.logs import paging
from orgs.logs.cursors import make_cursor
from orgs.logs.paging import read_page
from tests.factories import ACTOR


@pytest.fixture
def add(acme):
    """Add so many rows to a log of acme's."""
    AuditEvent.objects.filter(org=acme).delete()

    def rows(count):
        for _ in range(count):
            record(org=acme, actor=ACTOR, action="group.created", target=AuditTarget("group", "1"))

    return rows


@pytest.fixture
def page(acme):
    def read(size=3, **asked):
        return read_page(AuditEvent.objects.filter(org=acme), org_id=acme.pk, asked=asked, page_size=size)

    return read


def ids(found):
    return [row.pk for row in found]


def walk(page, **asked):
    """Return the ids of every page, from the one that is asked for to the oldest."""
    found = page(**asked)
    seen = [ids(found)]
    while found.older:
        found = page(older=found.older)
        seen.append(ids(found))
    return seen


@pytest.mark.parametrize(("count", "sizes"), [(0, [0]), (1, [1]), (3, [3]), (4, [3, 1]), (7, [3, 3, 1])])
def test_pages_towards_older_show_each_row_once_newest_first(acme, add, page, count, sizes):
    add(count)
    pages = walk(page)
    assert [len(one) for one in pages] == sizes
    assert [each for one in pages for each in one] == list(
        AuditEvent.objects.filter(org=acme).order_by("-id").values_list("id", flat=True)
    )


def test_older_page_stays_the_same_when_rows_arrive(add, page):
    add(7)
    cursor = page().older
    before = ids(page(older=cursor))
    add(5)
    assert ids(page(older=cursor)) == before


def test_newer_page_is_the_one_from_which_older_led_here(add, page):
    add(9)
    first = page()
    second = page(older=first.older)
    third = page(older=second.older)
    assert ids(page(newer=third.newer)) == ids(second)


def test_newer_page_with_fewer_rows_than_a_page_is_the_newest_page(add, page):
    add(4)
    second = page(older=page().older)
    assert ids(page(newer=second.newer)) == ids(page())
    assert page(newer=second.newer).newer == ""


def test_newest_page_links_only_to_older_rows_and_the_oldest_only_to_newer(add, page):
    add(4)
    first = page()
    last = page(older=first.older)
    assert (first.newer, bool(first.older)) == ("", True)
    assert (bool(last.newer), last.older) == (True, "")


@pytest.mark.parametrize(
    "asked", [{"older": "nonsense"}, {"newer": "\x00"}, {"older": "é"}, {"older": "", "newer": ""}]
)
def test_page_of_an_unreadable_cursor_is_the_newest(add, page, asked):
    add(4)
    assert ids(page(**asked)) == ids(page())


@pytest.mark.parametrize("name", ["older", "newer"])
def test_page_of_a_cursor_beyond_the_largest_id_is_the_newest(acme, add, page, name):
    add(4)
    assert ids(page(**{name: make_cursor(acme.pk, 2**63)})) == ids(page())


def test_older_page_is_the_newest_one_when_its_rows_are_gone(acme, add, page):
    add(4)
    cursor = page().older
    AuditEvent.objects.filter(org=acme).order_by("id").first().delete()
    assert ids(page(older=cursor)) == ids(page())


def test_count_is_exact_up_to_its_limit(add, page, monkeypatch):
    monkeypatch.setattr(paging, "COUNTED_AT_MOST", 5)
    add(5)
    assert (page().count, page().is_cut) == (5, False)


def test_count_stops_at_its_limit_and_says_so(add, page, monkeypatch):
    monkeypatch.setattr(paging, "COUNTED_AT_MOST", 5)
    add(9)
    assert (page().count, page().is_cut) == (5, True)


@pytest.mark.parametrize(("count", "statements"), [(3, 1), (4, 2), (40, 2)])
def test_page_takes_two_statements_at_most(add, page, django_assert_num_queries, count, statements):
    add(count)
    with django_assert_num_queries(statements):
        page()
