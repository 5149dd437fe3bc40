"""Rows that leave their request: none is waited for, each is written or counted as lost."""

import os
from threading import Event, Thread
from time import monotonic, sleep

import pytest
from django.db import DataError, OperationalError, connection

from orgs.base import buffers
from orgs.base.buffers import BATCH, Buffer


@pytest.fixture
def buffered(settings, monkeypatch):
    """Buffers and a thread of the test's own."""
    settings.BUFFERED_WRITES = True
    monkeypatch.setattr(buffers, "_writer", buffers.Writer())
    monkeypatch.setattr(buffers, "SECONDS", 0.01)


@pytest.fixture
def stored():
    return []


@pytest.fixture
def buffer(buffered, held, stored):
    return Buffer("things", lambda batch: stored.extend(batch) or 0, most=3)


@pytest.fixture
def held(buffered, monkeypatch):
    """No thread writes: the test flushes."""
    monkeypatch.setattr(buffers._writer, "start", lambda **_: None)


def wait_until(claim, seconds=20.0):
    end = monotonic() + seconds
    while not claim() and monotonic() < end:
        sleep(0.01)
    return claim()


def test_add_without_buffering_writes_at_once(buffer, stored, settings):
    settings.BUFFERED_WRITES = False
    buffer.add(1)
    assert (stored, len(buffer)) == ([1], 0)


def test_add_keeps_the_item_until_the_buffer_is_flushed(buffer, stored):
    buffer.add(1)
    assert stored == []
    buffer.flush()
    assert (stored, len(buffer)) == ([1], 0)


@pytest.mark.django_db
def test_add_to_a_full_buffer_counts_the_item_as_lost(buffer, stored):
    for number in range(5):
        buffer.add(number)
    buffer.flush()
    assert stored == [0, 1, 2]
    assert buffers.lost_rows() == {"things": 2}


def test_flush_writes_many_items_in_batches(buffered, held):
    sizes = []
    buffer = Buffer("many", lambda batch: sizes.append(len(batch)) or 0)
    for number in range(BATCH + 1):
        buffer.add(number)
    buffer.flush()
    assert sizes == [BATCH, 1]


def test_flush_keeps_items_in_order_while_the_database_is_away(buffered, held):
    answers, stored = [OperationalError("server closed the connection")], []

    def write(batch):
        if answers:
            raise answers.pop()
        stored.extend(batch)
        return 0

    buffer = Buffer("away", write)
    buffer.add(1)
    buffer.flush()
    buffer.add(2)
    assert len(buffer) == 2
    buffer.flush()
    assert stored == [1, 2]


@pytest.mark.django_db
def test_batch_that_the_database_refuses_is_counted_as_lost(buffered, held):
    def refuse(batch):
        raise DataError("canary-of-a-row")

    buffer = Buffer("refused", refuse)
    buffer.add(1)
    buffer.flush()
    assert buffers.lost_rows() == {"refused": 1}


@pytest.mark.django_db
def test_refused_batch_is_logged_without_what_the_database_said(buffered, held, caplog, capsys):
    def refuse(batch):
        raise DataError("canary-of-a-row")

    buffer = Buffer("refused", refuse)
    buffer.add("canary-of-a-row")
    buffer.flush()
    assert "canary" not in caplog.text + str(capsys.readouterr())


@pytest.mark.django_db
def test_rows_that_write_could_not_store_are_counted_as_lost(buffered, held):
    buffer = Buffer("some", lambda batch: 1)
    buffer.add(1)
    buffer.flush()
    buffer.add(2)
    buffer.flush()
    assert buffers.lost_rows() == {"some": 2}


@pytest.mark.django_db
def test_batch_of_a_write_that_fails_unexpectedly_is_counted_as_lost_later(buffered, held):
    failures = [KeyError("a mistake of ours")]

    def write(batch):
        if failures:
            raise failures.pop()
        return 0

    buffer = Buffer("broken", write)
    buffer.add(1)
    with pytest.raises(KeyError):
        buffer.flush()
    buffer.flush()
    assert buffers.lost_rows() == {"broken": 1}


def test_losses_are_reported_when_the_database_is_back(buffer, stored, monkeypatch):
    reported = []

    def away(name, count):
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(buffers, "add_lost_rows", away)
    for number in range(4):
        buffer.add(number)
    buffer.flush()
    monkeypatch.setattr(buffers, "add_lost_rows", lambda name, count: reported.append((name, count)))
    buffer.flush()
    assert reported == [("things", 1)]


@pytest.mark.django_db
def test_loss_that_another_process_counts_at_the_same_time_is_counted_too(buffered, monkeypatch):
    add = buffers.models.add_to_entry
    buffers.add_lost_rows("x", 1)
    # the other one's number wasn't there yet when this process looked for the first time
    answers = [add, lambda *given: None]

    def answer(*given):
        return answers.pop()(*given)

    monkeypatch.setattr(buffers.models, "add_to_entry", answer)
    buffers.add_lost_rows("x", 2)
    assert buffers.models.read_entry("buffers.lost.x") == "3"


def test_item_with_a_delay_is_not_written_before_it_is_due(buffered, held, stored):
    buffer = Buffer("delayed", lambda batch: stored.extend(batch) or 0, delay=60)
    buffer.add(1)
    buffer.flush()
    assert stored == []
    buffer.flush(is_last=True)
    assert stored == [1]


@pytest.mark.django_db(transaction=True)
def test_thread_writes_what_many_threads_add(buffered, stored):
    buffer = Buffer("threads", lambda batch: stored.extend(batch) or 0)
    threads = [Thread(target=lambda start=start: [buffer.add(start + n) for n in range(200)]) for start in (0, 1000)]
    for thread in threads:
        thread.start()
    assert wait_until(lambda: len(stored) == 400)
    assert sorted(stored) == [*range(200), *range(1000, 1200)]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.django_db(transaction=True)
def test_thread_starts_again_after_it_ended_by_a_mistake(buffered, stored):
    failures = [KeyError("a mistake of ours")]

    def write(batch):
        if failures:
            raise failures.pop()
        stored.extend(batch)
        return 0

    buffer = Buffer("again", write)
    buffer.add(1)
    assert wait_until(lambda: not failures and not buffers._writer._thread.is_alive())
    buffer.add(2)
    assert wait_until(lambda: stored == [2])


@pytest.mark.django_db(transaction=True)
def test_thread_keeps_no_connection_after_it_has_written(buffered):
    seen, done = [], Event()

    def write(batch):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        seen.append(connection.connection is not None)
        return 0

    def run():
        buffers._writer.flush()
        seen.append(connection.connection is None)
        done.set()

    buffer = Buffer("connected", write)
    buffer._items.append((0.0, 1))
    Thread(target=run).start()
    assert done.wait(20)
    assert seen == [True, True]


def test_forked_process_leaves_the_items_to_its_parent(buffer):
    buffer.add(1)
    child = os.fork()
    if child == 0:
        os._exit(len(buffer))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(buffer) == 1


def test_finish_writes_all(buffered, held, stored):
    Buffer("delayed", lambda batch: stored.extend(batch) or 0, delay=60).add(1)
    buffers.finish()
    assert stored == [1]


def test_finish_of_empty_buffers_does_nothing(buffer, stored):
    buffers.finish()
    assert stored == []
