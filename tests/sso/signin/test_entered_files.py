"""How many files somebody has to read who follows one sign-in, and that docs/architecture.md names them."""

from tests.architecture.traced import documented_files, entered_files, is_read_on_the_way
from tests.factories import MembershipFactory
from tests.sso.idp import Browser

UMA = "uma@acme.example"
PART = "The files that a sign-in enters"
MOST = 25


def entered(acme, idp, connection) -> set[str]:
    """Return the files that the answer of a member who has signed in before enters, from the ACS to the session."""
    MembershipFactory(org=acme, email=UMA)
    Browser().sign_in(idp, connection, UMA)
    browser = Browser()
    answer = idp.respond(UMA, browser.leave(connection))
    with entered_files() as found:
        done = browser.follow(browser.deliver(connection, answer))
    assert done["Location"] == "/orgs/acme/"
    return {place for place in found if is_read_on_the_way(place)}


def test_the_files_that_a_sign_in_enters_are_those_that_the_architecture_names(acme, idp, connection):
    assert entered(acme, idp, connection) == documented_files(PART)


def test_a_sign_in_enters_no_more_files_than_are_held():
    assert len(documented_files(PART)) <= MOST
