"""Ids that begin with the time, rows packed into few bytes, and tables that are cut by days on PostgreSQL."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from orgs.base import partitions
from orgs.base.clock import now
from orgs.base.packed import pack, unpack
from orgs.base.partitions import drop_days, make_days
from orgs.base.timed_ids import EPOCH, LAST, first_id, moment_of, timed_id
from scim.requests.models import RequestLog
from scim.requests.services import make_partitions
from scim.requests.types import BODY_WORDS
from tests.scim.requests.rows import log_call

TABLE = "scim_requestlog"
TEXTS = st.lists(st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",))), min_size=2, max_size=2)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_timed_id_tells_its_moment(moment):
    assert moment_of(timed_id(moment)) == moment
    assert first_id(moment) <= timed_id(moment) < first_id(moment + timedelta(microseconds=1)) <= LAST


def test_first_id_of_a_time_out_of_range_is_the_first_or_last_id():
    assert first_id(EPOCH - timedelta(days=1)) == 0
    assert first_id(datetime(2500, 1, 1, tzinfo=UTC)) == LAST


@given(TEXTS)
def test_unpack_returns_what_was_packed(texts):
    assert unpack(pack(texts, BODY_WORDS), BODY_WORDS, 2) == texts


@pytest.mark.parametrize("value", [None, b"", memoryview(b"")])
def test_unpack_of_nothing_returns_empty_texts(value):
    assert unpack(value, BODY_WORDS, 2) == ["", ""]


def test_pack_leaves_texts_as_they_are_when_that_is_shorter():
    assert pack(["é"], b"") == b"\x00" + "é".encode()


def test_packed_user_is_a_third_of_its_text():
    text = '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"nora@acme.example","active":true}'
    assert len(pack([text], BODY_WORDS)) < len(text) / 3


def day_of(row):
    """Return the table that a row is in."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM scim_requestlog WHERE id = %s", [row.pk])
        return cursor.fetchone()[0]


@pytest.mark.postgres
def test_row_of_a_day_without_a_partition_is_kept_in_the_default_one(acme_directory):
    assert day_of(log_call(acme_directory)) == f"{TABLE}_default"


@pytest.mark.postgres
def test_make_partitions_moves_rows_to_the_day_that_it_makes(acme_directory):
    row = log_call(acme_directory)
    assert make_partitions() == 9
    assert day_of(row) == f"{TABLE}_{row.at:%Y%m%d}"


@pytest.mark.postgres
def test_make_partitions_makes_each_day_once(acme_directory):
    make_partitions()
    assert make_partitions() == 0


@pytest.mark.postgres
def test_row_of_a_day_with_a_partition_is_stored_there(acme_directory):
    make_partitions()
    row = log_call(acme_directory)
    assert day_of(row) == f"{TABLE}_{row.at:%Y%m%d}"


@pytest.mark.postgres
def test_made_day_has_the_indexes_and_keys_of_the_log(db):
    make_partitions()
    day = f"{TABLE}_{now():%Y%m%d}"
    found = []
    with connection.cursor() as cursor:
        for name in (day, f"{TABLE}_default"):
            cursor.execute(
                "SELECT (SELECT count(*) FROM pg_index WHERE indrelid = %s::regclass), "
                "(SELECT count(*) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f')",
                [name, name],
            )
            found.append(cursor.fetchone())
    assert found[0] == found[1] == (10, 2)


@pytest.mark.postgres
def test_drop_days_drops_whole_days_that_ended_before(acme_directory):
    make_days(TABLE, behind=3, ahead=0)
    old = log_call(acme_directory, at=now() - timedelta(days=3))
    kept = log_call(acme_directory, at=now() - timedelta(days=1))
    connection.check_constraints()
    assert drop_days(TABLE, before=now() - timedelta(days=2)) == 1
    assert list(RequestLog.objects.all()) == [kept]
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [f"{TABLE}_{old.at:%Y%m%d}"])
        assert cursor.fetchone() == (None,)


def test_drop_days_deletes_rows_of_a_plain_or_default_table(acme_directory):
    log_call(acme_directory, at=now() - timedelta(days=40))
    kept = log_call(acme_directory)
    assert drop_days(TABLE, before=now() - timedelta(days=30)) == 1
    assert list(RequestLog.objects.all()) == [kept]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_day_is_dropped_later_while_somebody_reads_the_log(acme_directory, monkeypatch):
    monkeypatch.setattr(partitions, "LOCK_TIMEOUT", "50ms")
    make_days(TABLE, behind=3, ahead=0)
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT count(*) FROM scim_requestlog")
            assert drop_days(TABLE, before=now() - timedelta(days=2)) == 0
            assert make_days(TABLE, behind=5, ahead=0) == 0
            cursor.execute("ROLLBACK")
    finally:
        other.close()
    drop_days(TABLE, before=now() + timedelta(days=2))


@pytest.mark.postgres
def test_plain_tables_are_left_alone_by_make_days_on_other_databases(db, monkeypatch):
    monkeypatch.setattr(partitions, "is_partitioned", lambda connection: False)
    assert make_days(TABLE) == 0
