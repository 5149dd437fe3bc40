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


def test_discovery_leads_to_the_login_url_when_the_domain_is_verified(connection):
    response = Client().get(link_in(answer("anybody@acme.example")))
    assert response["Location"] == f"/saml/{connection.public_id}/login"


def test_discovery_passes_next_to_the_login_url(connection):
    response = Client().get(link_in(answer("anybody@acme.example", next="/orgs/acme/settings/")))
    assert response["Location"] == f"/saml/{connection.public_id}/login?next=%2Forgs%2Facme%2Fsettings%2F"


def test_discovery_drops_a_next_to_another_site(connection):
    response = Client().get(link_in(answer("anybody@acme.example", next="//evil.example")))
    assert response["Location"] == f"/saml/{connection.public_id}/login"


@pytest.mark.parametrize("address", ["nobody@acme.example", "uma@acme.example", "somebody@nowhere.example"])
def test_discovery_answers_the_same_for_every_address_without_a_query(
    connection, uma, address, django_assert_num_queries
):
    expected = plain(answer("olga@acme.example"), "olga@acme.example")
    with django_assert_num_queries(0):
        page = answer(address)
    assert (page.status_code, plain(page, address)) == (200, expected)


@pytest.mark.parametrize("address", ["x@nowhere.example", "x@mail.acme.example", "x@localhost.example"])
def test_discovery_shows_no_single_sign_on_for_an_unknown_domain(connection, address):
    page = Client().get(link_in(answer(address)))
    assert (page.status_code, "No single sign-on" in page.content.decode()) == (200, True)


def test_discovery_does_not_redirect_when_the_domain_is_not_verified(acme):
    assert Client().get(link_in(answer("uma@acme.example"))).status_code == 200


def test_discovery_does_not_redirect_when_the_connection_is_off(connection):
    connections.turn_off(connection=connection, actor=ACTOR)
    assert Client().get(link_in(answer("uma@acme.example"))).status_code == 200


@pytest.mark.parametrize("address", ["", "nora", "nora@", "@acme.example", "a b@acme.example"])
def test_discovery_returns_400_for_text_that_is_no_address(db, address):
    page = answer(address)
    assert page.status_code == 400
    assert "email address" in page.content.decode()


@pytest.mark.parametrize("token", ["", "nonsense", "WyJhIl0:1abc:def"])
def test_discovery_redirects_to_its_form_for_a_link_with_an_invalid_signature(db, token):
    assert Client().get("/sso/continue/", {"to": token})["Location"] == "/sso/"


def test_sign_in_page_links_to_discovery(db):
    assert 'href="/sso/?next=%2Forgs%2Facme%2F"' in Client().get("/accounts/login/?next=/orgs/acme/").content.decode()
