"""What an admin does to test a connection."""

import re

from sso.signin_tests.models import SignInTest

UMA = "uma@acme.example"


def begin(tester, connection) -> SignInTest:
    """Press the button; the new tab's page leads to the IdP."""
    url = f"/orgs/acme/settings/authentication/connections/{connection.public_id}/test/"
    page = tester.client.post(url)
    assert re.search(r'http-equiv="refresh" content="0;url=/saml/[^"]+\?test=', page.content.decode())
    return SignInTest.objects.first()


def run(tester, connection, idp, email=UMA, **given) -> SignInTest:
    test = begin(tester, connection)
    request = tester.leave(connection, f"?test={test.public_id}")
    landed = tester.deliver(connection, idp.respond(email, request, **given))
    while landed.status_code in {302, 303}:
        landed = tester.follow(landed)
    assert landed.status_code == 200
    test.refresh_from_db()
    return test


def page_of(tester, test) -> str:
    return tester.client.get(f"/orgs/acme/settings/authentication/tests/{test.public_id}/").content.decode()
