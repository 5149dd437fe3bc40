"""What a test says about attributes: on its own page, and on the page where they are named."""

import pytest
from django.utils.html import escape

from sso.connections import queries as connection_queries
from sso.connections.types import AttributeChoice
from sso.signin_tests.models import SignInTest
from sso.signin_tests.types import SignInTestStatus
from sso.versions import services as versions
from tests.factories import ACTOR
from tests.sso.idp import Fault
from tests.sso.signin_tests.acts import UMA, page_of, run


@pytest.mark.parametrize("name", ["items", "keys", "values", "0", "", "name", "<b>"])
def test_test_result_page_shows_attributes_of_any_name(untested, idp, uma, tester, name):
    test = run(tester, untested, idp)
    test.claims["attributes"] = {name: ["first-of-two", "second"], "mail": [UMA]}
    test.save()
    page = page_of(tester, test)
    assert "<code>first-of-two</code> <code>second</code>" in page
    assert f">{escape(name)}</dt>" in page


def mapping_page(tester, connection) -> str:
    url = f"/orgs/acme/settings/authentication/connections/{connection.public_id}/setup/attributes/"
    return " ".join(tester.client.get(url).content.decode().split())


def test_attributes_page_shows_the_values_of_the_last_test(untested, idp, uma, tester):
    assert "Last test" not in mapping_page(tester, untested)
    run(tester, untested, idp, first="Uma", last="Unger")
    page = mapping_page(tester, untested)
    assert '<td data-label="Last test" class="wrap-anywhere">Unger</td>' in page
    assert "<code>firstname</code>" in page


def test_attributes_page_shows_the_value_that_an_edited_name_would_read(untested, idp, uma, tester):
    run(tester, untested, idp, first="Uma", last="Unger")
    draft = connection_queries.in_preparation(untested)
    choice = AttributeChoice(names={"given_name": "lastname"})
    versions.choose_attributes(connection=untested, choice=choice, revision=draft.revision, actor=ACTOR)
    assert 'Unger <span class="text-sm text-muted">from <code>lastname</code>' in mapping_page(tester, untested)


def test_test_result_page_links_to_the_email_row_when_the_email_is_missing(untested, idp, uma, tester):
    from tests.sso.idp import NameIdSource

    test = run(tester, untested, idp.change(name_id=NameIdSource.USERNAME), fault=Fault.NO_EMAIL)
    assert "/setup/attributes/#attribute-email" in page_of(tester, test)
    assert '<span class="pill pill-bad">' in mapping_page(tester, untested)


def test_test_ends_as_a_warning_when_a_needed_attribute_was_not_sent(untested, idp, uma, tester):
    without = idp.change(attributes=tuple(one for one in idp.app.attributes if one.name != "firstname"))
    test = run(tester, untested, without, first="Uma", last="Ünal")
    assert (test.status, test.is_incomplete, test.profile["missing"]) == (SignInTestStatus.PASSED, True, ["given_name"])
    page = page_of(tester, test)
    for said in (
        "Passed, attribute missing",
        "no <code>firstname</code> came",
        "In JumpCloud, add the attribute <code>firstname</code> with the value <b>firstname</b>",
    ):
        assert said in page
    listed = tester.client.get(f"/orgs/acme/settings/authentication/connections/{untested.public_id}/").content.decode()
    assert "Passed, attribute missing" in listed


def test_test_ends_as_a_warning_when_only_the_name_id_holds_the_address(untested, idp, uma, tester):
    without = idp.change(attributes=tuple(one for one in idp.app.attributes if one.name != "email"))
    test = run(tester, untested, without, first="Uma", last="Ünal")
    assert (test.status, test.profile["missing"]) == (SignInTestStatus.PASSED, ["email"])


def test_test_is_complete_when_every_needed_attribute_came_by_the_names_that_were_chosen(untested, idp, uma, tester):
    test = run(tester, untested, idp, first="Uma", last="Ünal")
    assert (test.is_incomplete, test.profile["missing"]) == (False, [])
    assert "attribute missing" not in page_of(tester, test)


def test_page_of_a_test_says_how_many_values_were_not_kept(untested, idp, uma, tester):
    test = run(tester, untested, idp)
    SignInTest.objects.filter(pk=test.pk).update(claims=test.claims | {"left_out": {"email": 7}})
    assert "and 7 more, which aren’t kept" in page_of(tester, test)
