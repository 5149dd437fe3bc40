"""An address leads to its organization's IdP by its domain alone, and the answer looks the same for each."""

import re

import pytest
from django.test import Client

from sso.connections import services as connections
from tests.factories import ACTOR


def answer(address, **given):
    return Client().post("/sso/", {"email": address, **given})


def link_in(page) -> str:
    return re.search(r'content="0;url=([^"]+)"', page.content.decode())[1].replace("&amp;", "&")


def plain(page, address) -> str:
    """Return the page without what differs by nature: the address, the link, the request's id."""
    text = page.content.decode().replace(address, "ADDRESS")
    return re.sub(r"/sso/continue/\?to=[^\"]+|csrf[^>]+|X-CSRFToken[^}]+", "…", text)


def test_a_verified_domain_leads_to_the_idp(connection):
    response = Client().get(link_in(answer("anybody@acme.example")))
    assert response["Location"] == f"/saml/{connection.public_id}/login"


def test_the_way_back_comes_along(connection):
    response = Client().get(link_in(answer("anybody@acme.example", next="/orgs/acme/settings/")))
    assert response["Location"] == f"/saml/{connection.public_id}/login?next=%2Forgs%2Facme%2Fsettings%2F"


def test_a_way_back_to_elsewhere_does_not(connection):
    response = Client().get(link_in(answer("anybody@acme.example", next="//evil.example")))
    assert response["Location"] == f"/saml/{connection.public_id}/login"


@pytest.mark.parametrize("address", ["nobody@acme.example", "uma@acme.example", "somebody@nowhere.example"])
def test_the_answer_is_the_same_for_each_address(connection, uma, address, django_assert_num_queries):
    expected = plain(answer("olga@acme.example"), "olga@acme.example")
    with django_assert_num_queries(0):
        page = answer(address)
    assert (page.status_code, plain(page, address)) == (200, expected)


@pytest.mark.parametrize("address", ["x@nowhere.example", "x@mail.acme.example", "x@localhost.example"])
def test_another_domain_is_told_to_sign_in_otherwise(connection, address):
    page = Client().get(link_in(answer(address)))
    assert (page.status_code, "No single sign-on" in page.content.decode()) == (200, True)


def test_a_domain_that_isnt_verified_leads_nowhere(acme):
    assert Client().get(link_in(answer("uma@acme.example"))).status_code == 200


def test_a_connection_that_is_off_leads_nowhere(connection):
    connections.turn_off(connection=connection, actor=ACTOR)
    assert Client().get(link_in(answer("uma@acme.example"))).status_code == 200


@pytest.mark.parametrize("address", ["", "nora", "nora@", "@acme.example", "a b@acme.example"])
def test_what_is_no_address_is_said_at_the_field(db, address):
    page = answer(address)
    assert page.status_code == 400
    assert "email address" in page.content.decode()


@pytest.mark.parametrize("token", ["", "nonsense", "WyJhIl0:1abc:def"])
def test_a_link_that_isnt_ours_leads_back_to_the_question(db, token):
    assert Client().get("/sso/continue/", {"to": token})["Location"] == "/sso/"


def test_the_sign_in_page_offers_it(db):
    assert 'href="/sso/?next=%2Forgs%2Facme%2F"' in Client().get("/accounts/login/?next=/orgs/acme/").content.decode()
