"""What a person does with the codes that are mailed to them."""

import re
from typing import Any

from django.core import mail
from django.test import Client
from django.urls import reverse

from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy.types import MembershipOrigin
from tests.factories import ACTOR
from tests.portal.test_accounts import sign_up

NEWHIRE = "newhire@acme.test"
SECOND = "second@nowhere.example"
CODE = re.compile(r"^([B-Z]{4}-[B-Z]{4})$", re.MULTILINE)


def code_in(message: Any) -> str:
    found = CODE.search(message.body)
    assert found is not None
    return found[1]


def type_code(client: Client, code: str, **more: str) -> Any:
    return client.post(reverse("account_email_verification_sent"), {"code": code, **more})


def last_mail() -> Any:
    return mail.outbox[-1]


def signed_up(address: str = NEWHIRE) -> Client:
    """A browser that has signed up, typed its code, and is in."""
    client, _ = sign_up(address)
    type_code(client, code_in(last_mail()))
    return client


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def provision(acme, address=NEWHIRE):
    return people.create_membership(org=acme, profile=Profile(address), origin=MembershipOrigin.SCIM, actor=ACTOR)
