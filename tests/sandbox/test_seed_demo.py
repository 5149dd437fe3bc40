import io
from collections import Counter
from dataclasses import replace

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.test import TestCase

from orgs.audit.models import AuditEvent
from orgs.groups.models import Group
from orgs.tenancy.models import Organization, User
from orgs.tenancy.queries import find_organization
from orgs.tenancy.types import MembershipState, Role
from sandbox import idp
from sandbox.cast import ACCOUNTS, PASSWORD
from sandbox.idp import OUTSIDE
from sandbox.seeds import require_sandbox, seed
from scim.activity.queries import health
from scim.activity.types import Health
from scim.directories.models import ScimToken
from scim.directories.queries import first_directory, list_tokens, token_state
from scim.requests.models import RefusedCalls, RequestLog
from scim.users.models import DirectoryUser
from tests.factories import OrganizationFactory


class TestDemo(TestCase):
    """What the demo holds; seeded once for all of these."""

    northwind: Organization

    @classmethod
    def setUpTestData(cls) -> None:
        assert seed()
        cls.northwind = find_organization("northwind")

    def test_demo_has_forty_users_and_five_groups(self):
        assert DirectoryUser.objects.filter(org=self.northwind, is_listed=False).count() == 40
        assert Group.objects.filter(org=self.northwind).count() == 5

    def test_demo_lists_the_members_with_accounts_until_the_first_sync_ends(self):
        listed = DirectoryUser.objects.filter(org=self.northwind, is_listed=True)
        names = {name.partition("@")[0] for name in listed.values_list("user_name", flat=True)}
        assert names == {"mara", "tomas", "ines", "yuki"}

    def test_demo_groups_all_have_members(self):
        assert all(group.members.exists() for group in Group.objects.filter(org=self.northwind))

    def test_demo_has_one_suspended_and_one_invited_membership(self):
        states = Counter(self.northwind.memberships.values_list("state", flat=True))
        assert states == {MembershipState.ACTIVE: 42, MembershipState.SUSPENDED: 1, MembershipState.INVITED: 1}

    def test_demo_invited_member_has_an_address_outside_the_verified_domain(self):
        waiting = self.northwind.memberships.get(state=MembershipState.INVITED)
        assert (waiting.email, User.objects.filter(email=OUTSIDE).exists()) == (OUTSIDE, False)

    def test_demo_names_are_distinct_and_the_same_every_time(self):
        names = list(self.northwind.memberships.values_list("display_name", flat=True))
        assert len(set(names)) == len(names) == 44
        assert {"Mara Lindgren", "Ada Adler", "Noor Haddad"} <= set(names)

    def test_demo_accounts_cover_every_role(self):
        roles = {
            membership.role
            for membership in self.northwind.memberships.filter(email__in=[account.email for account in ACCOUNTS])
        }
        assert roles == set(Role)

    def test_demo_accounts_have_the_printed_password(self):
        accounts = User.objects.filter(email__in=[account.email for account in ACCOUNTS])
        assert [user.check_password(PASSWORD) for user in accounts] == [True] * len(ACCOUNTS)

    def test_demo_has_a_staff_account_without_a_membership(self):
        staff = User.objects.get(is_staff=True)
        assert (staff.email, staff.memberships.exists()) == ("support@gatehouse.example", False)

    def test_demo_has_a_live_a_revoked_and_an_expired_token(self):
        tokens = {token.label: token for token in list_tokens(first_directory(self.northwind))}
        states = {label: str(token_state(token)) for label, token in tokens.items()}
        assert states == {
            "JumpCloud production": "live",
            "JumpCloud, first try": "revoked",
            "JumpCloud trial": "expired",
        }
        assert tokens["JumpCloud production"].last_used_at is not None

    def test_demo_has_a_refused_call(self):
        assert [row.status for row in RefusedCalls.objects.filter(org=self.northwind)] == [401]

    def test_demo_log_has_each_kind_of_failure(self):
        failures = RequestLog.objects.filter(org=self.northwind, status__gte=400).values_list("status", flat=True)
        assert sorted(failures) == [400, 404, 409]

    def test_demo_log_has_jumpcloud_as_dialect(self):
        assert set(RequestLog.objects.filter(org=self.northwind).values_list("dialect", flat=True)) == {"jumpcloud"}

    def test_demo_log_has_a_second_push_of_one_person(self):
        puts = RequestLog.objects.filter(org=self.northwind, method="PUT", subject="ada.adler@northwind.example")
        assert [row.status for row in puts] == [200]

    def test_demo_directory_is_healthy(self):
        assert health(first_directory(self.northwind)).health is Health.HEALTHY

    def test_demo_empty_organization_has_only_its_owner(self):
        empty = find_organization("emptyco")
        assert [membership.email for membership in empty.memberships.all()] == ["ella@emptyco.example"]
        assert not list_tokens(first_directory(empty)).exists()

    def test_demo_audit_of_other_organizations_has_no_request_id(self):
        assert set(AuditEvent.objects.exclude(org=self.northwind).values_list("request_id", flat=True)) == {""}

    def test_seed_twice_adds_nothing(self):
        def counts() -> list[int]:
            models = (Organization, User, DirectoryUser, RequestLog, ScimToken, AuditEvent)
            return [model.objects.count() for model in models]

        before = counts()
        assert seed() is False
        assert counts() == before

    def test_seed_demo_prints_the_accounts_and_the_password(self):
        out = io.StringIO()
        call_command("seed_demo", stdout=out)
        printed = out.getvalue()
        assert PASSWORD in printed
        assert all(account.email in printed for account in ACCOUNTS)


def test_seed_demo_is_refused_outside_a_sandbox(settings):
    settings.SANDBOX = False
    with pytest.raises(ImproperlyConfigured, match="SANDBOX"):
        require_sandbox()
    with pytest.raises(CommandError, match="SANDBOX"):
        call_command("seed_demo")


def test_seed_demo_prints_one_line_and_creates_nothing_when_scim_answers_unexpectedly(db, monkeypatch):
    monkeypatch.setattr(idp, "MISTAKES", (replace(idp.MISTAKES[0], status=200),))
    with pytest.raises(CommandError, match=r"^POST /Users was answered 409, not 200\.$"):
        call_command("seed_demo")
    assert not Organization.objects.exists()


@pytest.mark.parametrize("there", ["acme", "stranger"])
def test_seed_demo_refuses_a_database_with_other_rows_and_creates_nothing(request, there):
    request.getfixturevalue(there)
    before = (Organization.objects.count(), User.objects.count())
    with pytest.raises(CommandError, match=r"^This database holds organizations or accounts that the demo didn't make"):
        call_command("seed_demo")
    assert (Organization.objects.count(), User.objects.count()) == before


def test_seed_demo_refuses_an_organization_with_only_the_slug_of_the_demo(db):
    OrganizationFactory(slug="northwind")
    with pytest.raises(CommandError, match="the demo didn't make"):
        call_command("seed_demo")
