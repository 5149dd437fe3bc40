import io
import json
import re
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command

from orgs.audit.models import AuditEvent
from orgs.base import credentials
from orgs.domains.types import DomainState
from orgs.tenancy.models import Membership, Organization, User
from orgs.tenancy.queries import verified_keys_of
from orgs.tenancy.services import create_account
from orgs.tenancy.types import Role
from portal.site import checks
from scim.directories.models import ScimToken
from scim.directories.queries import admit
from tests.factories import PASSWORD, OrganizationFactory

pytestmark = pytest.mark.django_db
ACME = ("Acme", "--slug", "acme", "--owner", "olga@acme.example")


def run(name: str, *options: str) -> Any:
    """Return the one JSON document that the command prints."""
    out = io.StringIO()
    call_command(name, *options, "--json", stdout=out)
    return json.loads(out.getvalue())


def printed(name: str, *options: str) -> str:
    out = io.StringIO()
    call_command(name, *options, stdout=out, no_color=True)
    return out.getvalue()


@pytest.fixture
def typed(monkeypatch):
    """Put a line on standard input."""
    return lambda line: monkeypatch.setattr(sys, "stdin", io.StringIO(line))


def test_create_org_prints_id_slug_and_owner():
    report = run("create_org", *ACME)
    assert report == {
        "id": str(Organization.objects.get().public_id),
        "slug": "acme",
        "owner": "olga@acme.example",
    }


def test_create_org_makes_an_active_owner_whose_address_counts_as_verified():
    run("create_org", *ACME)
    membership = Organization.objects.get().memberships.get()
    assert (membership.role, membership.is_active) == (Role.OWNER, True)
    assert verified_keys_of(membership.user) == {"olga@acme.example"}


def test_create_org_without_a_password_leaves_the_account_without_one():
    run("create_org", *ACME)
    assert not User.objects.get().has_usable_password()


def test_create_org_reads_the_password_from_standard_input(typed):
    typed(f"{PASSWORD}\n")
    run("create_org", *ACME, "--password-stdin")
    assert User.objects.get().check_password(PASSWORD)


def test_create_org_keeps_the_password_of_an_owner_who_has_an_account_and_says_so(typed, capsys):
    create_account(email="olga@acme.example", password=PASSWORD, verified=True)
    typed("another-long-password\n")
    run("create_org", *ACME, "--password-stdin")
    assert "keeps its own password" in capsys.readouterr().err
    assert User.objects.get().check_password(PASSWORD)


def test_create_org_drops_the_password_that_was_set_before_the_address_was_verified():
    create_account(email="olga@acme.example", password=PASSWORD, verified=False)
    run("create_org", *ACME)
    assert not User.objects.get().has_usable_password()


def test_create_org_is_in_the_audit_log_by_the_name_of_the_command():
    run("create_org", *ACME)
    assert set(AuditEvent.objects.values_list("actor_label", flat=True)) == {"manage.py create_org"}


def test_create_org_prints_one_line_for_each_value_without_json():
    assert [line.split()[0] for line in printed("create_org", *ACME).splitlines()] == ["id", "slug", "owner"]


@pytest.mark.parametrize("line", ["short\n", "password123\n", "\n", "olga@acme.example\n"])
def test_create_org_with_a_weak_password_creates_nothing(typed, line):
    typed(line)
    with pytest.raises(CommandError, match=r"^That password is too weak\. [^\n]+$"):
        run("create_org", *ACME, "--password-stdin")
    assert not Organization.objects.exists()


PASSWORD_READERS = [("create_org", *ACME), ("create_staff", "sam@support.example")]


@pytest.mark.parametrize("stdin", [None, io.StringIO("")], ids=["closed", "empty"])
@pytest.mark.parametrize("command", PASSWORD_READERS)
def test_command_is_refused_when_standard_input_has_no_password(monkeypatch, command, stdin):
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(CommandError, match=r"^There is no password on standard input\.$"):
        run(*command, "--password-stdin")
    assert not User.objects.exists()


def test_command_is_refused_when_standard_input_cannot_be_read(monkeypatch, tmp_path):
    with (tmp_path / "only-written").open("w") as file:
        monkeypatch.setattr(sys, "stdin", file)
        with pytest.raises(CommandError, match=r"can't be read from standard input \(not readable\)"):
            run("create_staff", "sam@support.example", "--password-stdin")


@pytest.mark.parametrize("slug", ["", "Acme", "a b", "-acme", "acme-", "acme_1", "ácme", "a" * 64, "acme/x", "acme\n"])
def test_create_org_refuses_an_invalid_slug(slug):
    with pytest.raises(CommandError, match="isn't a slug"):
        run("create_org", "Acme", f"--slug={slug}", "--owner=olga@acme.example")


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\x00b", "n" * 201])
def test_create_org_refuses_an_unprintable_or_too_long_name(name):
    with pytest.raises(CommandError, match="a name has 1 to 200 printable characters"):
        run("create_org", name, "--slug=acme", "--owner=olga@acme.example")


@pytest.mark.parametrize("email", ["", "olga", "a b@acme.example", "a@b@c", "o@acme.example\n"])
@pytest.mark.parametrize("command", [("create_org", "Acme", "--slug=acme", "--owner"), ("create_staff",)])
def test_create_org_and_create_staff_refuse_an_invalid_address(command, email):
    with pytest.raises(CommandError, match="isn't an e-mail address"):
        run(*command, email)


def test_create_org_refuses_a_taken_slug():
    run("create_org", *ACME)
    with pytest.raises(CommandError, match=r"^Another organization already uses that short name\."):
        run("create_org", *ACME)


def test_add_domain_prints_its_state_and_the_txt_record(acme):
    report = run("add_domain", "acme", "Acme.Example")
    domain = acme.domains.get()
    assert report == {
        "domain": "acme.example",
        "state": "pending",
        "txt_name": "_gatehouse.acme.example",
        "txt_value": f"gatehouse-verify={domain.txt_token}",
    }


def test_add_domain_verified_verifies_a_pending_domain(acme):
    run("add_domain", "acme", "acme.example")
    assert run("add_domain", "acme", "acme.example", "--verified")["state"] == "verified"
    assert acme.domains.get().state == DomainState.VERIFIED


@pytest.mark.parametrize("domain", ["acme", "https://acme.example", "a..b", "a-.example", "gmail.com", "1.2.3.4", ""])
def test_add_domain_refuses_invalid_and_public_mail_domains(acme, domain):
    with pytest.raises(CommandError, match=r"^That (isn't a domain name|domain belongs to a public mail service)"):
        run("add_domain", "acme", domain)


def test_add_domain_refuses_a_domain_that_another_organization_has_verified(acme, globex):
    run("add_domain", "globex", "shared.example", "--verified")
    with pytest.raises(CommandError, match=r"^Another organization has already verified this domain"):
        run("add_domain", "acme", "shared.example", "--verified")
    assert not acme.domains.exists()


@pytest.mark.parametrize("slug", ["nobody", "", "No Body", "\udcff"])
@pytest.mark.parametrize(
    "command", [("add_domain", "a.example"), ("create_scim_token", "--label=x"), ("add_owner", "a@b.example")]
)
def test_command_names_an_unknown_organization(db, command, slug):
    name, *options = command
    with pytest.raises(CommandError, match=r"^There is no organization with the slug '"):
        run(name, slug, *options)


def test_create_scim_token_prints_base_url_token_and_directory(acme_directory):
    report = run("create_scim_token", "acme", "--label", "JumpCloud")
    assert report["base_url"] == f"http://testserver/scim/v2/{acme_directory.public_id}"
    assert report["directory_id"] == str(acme_directory.public_id)
    caller = admit(directory=report["directory_id"], digest=credentials.digest(report["token"]), ip="")
    assert caller.admission.label == "JumpCloud"


def test_create_scim_token_sets_the_expiry_in_days(acme):
    run("create_scim_token", "acme", "--label=x", "--expires-days=30")
    token = ScimToken.objects.get()
    assert (token.expires_at - token.created_at).days in {29, 30}


@pytest.mark.parametrize("days", ["0", "-1", "3651", "1.5", "x", "", "９", "9" * 5000])
def test_create_scim_token_refuses_a_lifetime_outside_one_day_to_ten_years(acme, days):
    with pytest.raises(CommandError, match="days"):
        run("create_scim_token", "acme", "--label=x", f"--expires-days={days}")


@pytest.mark.parametrize("label", ["", " ", "a\tb", "a\u202eb", "l" * 101])
def test_create_scim_token_refuses_an_unprintable_or_too_long_label(acme, label):
    with pytest.raises(CommandError, match="a label has 1 to 100 printable characters"):
        run("create_scim_token", "acme", f"--label={label}")


def test_create_scim_token_refuses_the_eleventh_live_token(acme):
    for number in range(10):
        run("create_scim_token", "acme", f"--label={number}")
    with pytest.raises(CommandError, match=r"^This directory has ten live tokens already"):
        run("create_scim_token", "acme", "--label=x")


def test_create_staff_makes_a_support_account():
    report = run("create_staff", "sam@support.example")
    assert (report["email"], report["created"]) == ("sam@support.example", True)
    assert User.objects.get().is_staff


def test_create_staff_says_how_to_set_a_password_and_that_mfa_follows():
    text = printed("create_staff", "sam@support.example")
    assert "http://testserver/accounts/password/reset/" in text
    assert "asks for a second factor" in text


def test_create_staff_with_a_password_needs_no_mail(typed):
    typed(f"{PASSWORD}\n")
    assert run("create_staff", "sam@support.example", "--password-stdin")["password_url"] == ""


def test_create_staff_promotes_an_existing_account(stranger):
    assert run("create_staff", stranger.email)["created"] is False
    stranger.refresh_from_db()
    assert (stranger.is_staff, stranger.check_password(PASSWORD)) == (True, True)


VERIFIED_AT = datetime(2024, 3, 1, 9, 30, tzinfo=UTC)
LAST_LOGIN = datetime(2025, 1, 2, 8, 15, tzinfo=UTC)
ACCOUNT_TAKERS = [
    ("create_org", "Acme", "--slug=acme", "--owner", "sam@support.example"),
    ("create_staff", "sam@support.example"),
]
ADD_OWNER = ("add_owner", "acme", "sam@support.example")


@pytest.fixture
def old_account():
    """An account that verified its address long ago; in acme nobody can sign in as an owner."""
    with time_machine.travel(VERIFIED_AT, tick=False):
        account = create_account(email="sam@support.example", password=PASSWORD, verified=True)
    User.objects.filter(pk=account.pk).update(last_login=LAST_LOGIN)
    return account


def refuse_account() -> str:
    """Return the one document that add_owner prints when it refuses to take the account."""
    owner = OrganizationFactory(slug="acme").memberships.get().user
    User.objects.filter(pk=owner.pk).update(is_active=False)
    before = Membership.objects.count(), AuditEvent.objects.count()
    out = io.StringIO()
    with pytest.raises(
        CommandError, match=r"^An account has sam@support\.example since 2024-03-01 09:30 UTC, and "
    ) as caught:
        call_command(*ADD_OWNER, "--json", stdout=out)
    assert re.fullmatch(r"[^\n]+ If it is this person's, add --existing-account\.", str(caught.value))
    assert (Membership.objects.count(), AuditEvent.objects.count()) == before
    return json.loads(out.getvalue()) | {"line": str(caught.value)}


def test_add_owner_takes_an_existing_account_only_with_the_existing_account_option(old_account):
    refusal = refuse_account()
    assert "last signed in on 2025-01-02 08:15 UTC." in refusal.pop("line")
    assert refusal == {
        "error": "account_exists",
        "email": "sam@support.example",
        "verified_at": "2024-03-01T09:30:00.000Z",
        "last_sign_in_at": "2025-01-02T08:15:00.000Z",
    }
    run(*ADD_OWNER, "--existing-account")
    old_account.refresh_from_db()
    assert (old_account.check_password(PASSWORD), old_account.memberships.get().role) == (True, Role.OWNER)


def test_refusal_of_an_existing_account_says_that_it_has_never_signed_in(old_account):
    User.objects.update(last_login=None)
    refusal = refuse_account()
    assert "and has never signed in." in refusal["line"]
    assert refusal["last_sign_in_at"] is None


@pytest.mark.parametrize("command", ACCOUNT_TAKERS)
def test_command_that_takes_an_existing_account_says_since_when_it_is_there(old_account, command, capsys):
    run(*command)
    said = "An account has sam@support.example since 2024-03-01 09:30 UTC, and last signed in on 2025-01-02 08:15 UTC."
    assert capsys.readouterr().err == f"{said} It is taken, and keeps its own password.\n"
    old_account.refresh_from_db()
    assert old_account.is_staff or old_account.memberships.get().role == Role.OWNER


@pytest.mark.parametrize("command", ACCOUNT_TAKERS)
def test_command_refuses_a_closed_account(old_account, command, capsys):
    User.objects.update(is_active=False)
    with pytest.raises(CommandError, match=r"^The account with that address is closed"):
        run(*command)
    assert "It is taken" not in capsys.readouterr().err
    assert not Organization.objects.exists()


def test_create_staff_drops_the_password_that_was_set_before_the_address_was_verified():
    create_account(email="sam@support.example", password=PASSWORD, verified=False)
    run("create_staff", "sam@support.example")
    assert not User.objects.get().has_usable_password()


@pytest.fixture
def health(monkeypatch):
    """Let doctor find these verdicts."""
    return lambda *found: monkeypatch.setattr(checks, "ALL", [lambda each=each: each for each in found])


def test_doctor_prints_every_check(health):
    health(checks.HealthCheck("database", "ok"), checks.HealthCheck("mail", "ok"))
    rows = [{"name": name, "verdict": "ok", "advice": ""} for name in ("database", "mail")]
    assert run("doctor") == {"ok": True, "checks": rows}


def test_doctor_fails_with_what_is_wrong_and_what_to_do(health):
    health(checks.HealthCheck("database", "ok"), checks.HealthCheck("worker", "no worker has reported", "Start one."))
    with pytest.raises(CommandError, match=r"^worker: no worker has reported\. Start one\.$") as raised:
        run("doctor")
    assert raised.value.returncode == 1


def test_doctor_prints_its_document_when_it_fails(health, capsys):
    health(checks.HealthCheck("worker", "no worker has reported", "Start one."))
    with pytest.raises(CommandError):
        call_command("doctor", "--json")
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_doctor_shows_advice_below_its_check(health):
    health(checks.HealthCheck("cache", "ok"), checks.HealthCheck("mail", "ok", "Nothing to do."))
    assert printed("doctor").splitlines() == ["cache     ok", "mail      ok", "          Nothing to do."]
