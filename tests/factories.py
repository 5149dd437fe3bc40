"""Rows for tests, made by the services that make them in life."""

from typing import Any
from uuid import uuid4

import factory

from orgs.base.actor import Actor
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Membership, Organization, User
from orgs.tenancy.types import GrantSource, MembershipOrigin, Role
from portal.setup import NewOrganization, create_org
from scim.directories import services as directories
from scim.directories.models import Directory
from scim.directories.services import GeneratedToken
from scim.directories.types import TokenOrder

PASSWORD = "a-long-test-password"
ACTOR = Actor.system()


class UserFactory(factory.Factory[User]):
    """An account with a verified address and the password above."""

    class Meta:
        model = User

    email = factory.Sequence(lambda number: f"person{number}@people.example")
    verified = True

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **fields: Any) -> User:
        return tenancy.create_account(password=PASSWORD, **fields)


class OrganizationFactory(factory.Factory[Organization]):
    """An organization with its owner, owner@<slug>.example unless told otherwise, and its directory."""

    class Meta:
        model = Organization

    slug = factory.Sequence(lambda number: f"org-{number}")
    name = factory.LazyAttribute(lambda org: org.slug.replace("-", " ").title())
    owner_email = factory.LazyAttribute(lambda org: f"owner@{org.slug}.example")

    @classmethod
    def _create(cls, model_class: type[Organization], *args: Any, **fields: Any) -> Organization:
        return create_org(order=NewOrganization(owner_password=PASSWORD, lists_members=False, **fields), actor=ACTOR)[0]


class MembershipFactory(factory.Factory[Membership]):
    """An active membership of `org` with an account of its own and this role."""

    class Meta:
        model = Membership

    org = factory.SubFactory(OrganizationFactory)
    email = factory.Sequence(lambda number: f"member{number}@people.example")
    role = Role.USER

    @classmethod
    def _create(cls, model_class: type[Membership], *args: Any, **fields: Any) -> Membership:
        user = UserFactory(email=fields["email"])
        profile = Profile(email=user.email, display_name=user.email.partition("@")[0].title())
        membership = people.create_membership(
            org=fields["org"], profile=profile, origin=MembershipOrigin.INVITE, actor=ACTOR
        )
        people.join(membership=membership, user=user, actor=ACTOR)
        people.grant_role(membership=membership, role=fields["role"], source=GrantSource.PERSON, actor=ACTOR)
        return membership


class TokenFactory(factory.Factory[GeneratedToken]):
    """A live token of `directory`, with its plain text."""

    class Meta:
        model = GeneratedToken

    label = factory.Sequence(lambda number: f"Token {number}")

    @classmethod
    def _create(cls, model_class: type[GeneratedToken], *args: Any, **fields: Any) -> GeneratedToken:
        directory: Directory = fields.pop("directory")
        return directories.generate_token(directory=directory, order=TokenOrder(nonce=uuid4(), **fields), actor=ACTOR)
