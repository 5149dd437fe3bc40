"""What one whole sign-in asks of the database, from the IdP's answer to the session. BEGIN and COMMIT are counted."""

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from tests.factories import MembershipFactory
from tests.sso.idp import Browser

UMA = "uma@acme.example"
MOST = 30
READ_ONCE = ("sso_connection", "sso_configuration", "sso_idpcertificate", "orgs_domain", "sso_samlidentity")


@pytest.fixture
def asked(transactional_db, acme, idp, connection):
    """The statements of a sign-in by a member who has signed in before."""
    MembershipFactory(org=acme, email=UMA)
    Browser().sign_in(idp, connection, UMA)
    browser = Browser()
    answer = idp.respond(UMA, browser.leave(connection))
    with CaptureQueriesContext(database) as captured:
        done = browser.follow(browser.deliver(connection, answer))
    assert done["Location"] == "/orgs/acme/"
    return [query["sql"] for query in captured.captured_queries]


def test_a_whole_sign_in_takes_at_most_30_statements(asked):
    assert len(asked) <= MOST, "\n".join(asked)


def test_a_sign_in_needs_no_savepoint(asked):
    assert [sql for sql in asked if "SAVEPOINT" in sql] == []


def test_a_sign_in_stores_session_and_list_of_sessions_once(asked):
    written = [sql.split('"')[1] for sql in asked if sql.startswith(("INSERT", "UPDATE"))]
    assert written.count("django_session") == written.count("usersessions_usersession") == 1
    assert sorted(set(written)) == sorted(written)


def test_a_sign_in_reads_what_it_is_about_once_for_each_stop(asked):
    read = [sql.partition('FROM "')[2].partition('"')[0] for sql in asked if sql.startswith("SELECT")]
    # connection and membership are read once more, where they are locked
    assert {table: read.count(table) for table in set(read) if read.count(table) > 1} == {"orgs_membership": 2}
