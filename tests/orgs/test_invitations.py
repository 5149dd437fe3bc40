"""Decision 2: the invitation's mail, its link, and who may take the membership."""

import re
from datetime import timedelta
from smtplib import SMTPServerDisconnected

import pytest
from django.test import Client

from orgs.audit.models import AuditEvent
from orgs.base import counters, credentials, portions
from orgs.base.clock import now
from orgs.base.counters import Limit
from orgs.events import services as outbox
from orgs.events.models import OutboxEvent
from orgs.events.types import DeliveryRefused
from orgs.invitations import services as invitations
from orgs.invitations.tasks import prune
from orgs.people import queries
from orgs.people import services as people
from orgs.people.errors import InvitationForSomebodyElse, InvitationUnknown, MembershipExists
from orgs.people.models import Invitation, InvitationLink
from orgs.people.types import INVITATION_MAIL, Profile
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Membership
from orgs.tenancy.types import MembershipOrigin, MembershipState, SuspensionSource
from portal.setup import add_domain
from tests import held
from tests.factories import ACTOR, UserFactory

IVY = "ivy@elsewhere.example"
LINK = re.compile(r"^http://testserver/invitations/(ghi_[\w-]{43})/$", re.MULTILINE)


def let_two_minutes_pass():
    OutboxEvent.objects.filter(kind=INVITATION_MAIL).update(due_at=now() - timedelta(seconds=1))


def deliver():
    let_two_minutes_pass()
    return outbox.deliver_due()


@pytest.fixture
def membership(acme):
    return people.create_membership(org=acme, profile=Profile(IVY), origin=MembershipOrigin.SCIM, actor=ACTOR)


@pytest.fixture
def ivy(db):
    return UserFactory(email=IVY)


@pytest.fixture
def secret(acme, membership):
    return prepare(acme, membership)


def prepare(org, membership):
    """Return the secret of a link as the next mail holds it."""
    return invitations.prepare_invitation(org=org, membership_public_id=str(membership.public_id))[1]


def accept(client, secret):
    return client.post(f"/invitations/{secret}/accept/")


def test_invitation_is_not_mailed_within_two_minutes(membership, mailoutbox):
    outbox.deliver_due()
    assert mailoutbox == []


def test_invitation_mail_names_the_organization_and_the_days(membership, mailoutbox):
    deliver()
    [mail] = mailoutbox
    assert (mail.to, mail.subject) == ([IVY], "Join Acme on Gatehouse")
    assert "within 14 days" in mail.body


def test_invitation_mail_link_opens_the_invitation(membership, mailoutbox, client):
    deliver()
    secret = LINK.search(mailoutbox[0].body)[1]
    assert queries.find_invitation(secret).membership == membership
    assert client.get(f"/invitations/{secret}/").status_code == 200


def test_invitation_mail_gets_no_header_from_a_line_break_in_the_organization_name(acme, membership, mailoutbox):
    acme.name = "Acme\nBcc: eve@evil.example"
    acme.save()
    deliver()
    assert (mailoutbox[0].subject, mailoutbox[0].recipients()) == ("Join Acme", [IVY])


def test_invitation_secret_is_stored_as_a_digest_only(membership, secret):
    stored = InvitationLink.objects.values().get()
    assert stored["digest"] == credentials.digest(secret)
    assert secret not in str(stored) + str(list(OutboxEvent.objects.values())) + str(list(AuditEvent.objects.values()))


def test_invitation_of_a_removed_membership_is_not_mailed(membership, mailoutbox):
    held.remove(membership)
    deliver()
    assert mailoutbox == []


def test_invitation_of_a_suspended_membership_is_not_mailed(membership, mailoutbox):
    people.suspend_membership(membership=membership, source=SuspensionSource.SCIM, actor=ACTOR)
    deliver()
    assert mailoutbox == []


def test_invitation_event_without_its_membership_is_delivered_without_a_mail(acme, mailoutbox):
    outbox.add(org=acme, kind=INVITATION_MAIL, key="00000000-0000-0000-0000-000000000000")
    assert outbox.deliver_due() == 1
    assert mailoutbox == []


def flap(membership, times=1):
    """Suspend the membership and lift the suspension, as an IdP does that sends active false and true."""
    for _ in range(times):
        people.suspend_membership(membership=membership, source=SuspensionSource.SCIM, actor=ACTOR)
        people.lift_suspension(membership=membership, source=SuspensionSource.SCIM, actor=ACTOR)


def test_lifting_a_suspension_sends_an_invitation_when_none_was_sent(membership, mailoutbox):
    flap(membership)
    deliver()
    assert [mail.to for mail in mailoutbox] == [[IVY]]


def test_lifting_a_suspension_sends_no_invitation_when_a_link_is_live(membership, secret, mailoutbox):
    flap(membership, 5)
    deliver()
    assert mailoutbox == []
    assert queries.find_invitation(secret).membership == membership


def test_lifting_a_suspension_sends_a_new_invitation_when_the_link_expired(membership, secret, mailoutbox):
    Invitation.objects.update(expires_at=now() - timedelta(days=1))
    InvitationLink.objects.update(expires_at=now() - timedelta(days=1))
    flap(membership)
    deliver()
    assert [mail.to for mail in mailoutbox] == [[IVY]]


def test_invitation_goes_to_the_new_address_only_when_it_changes_before_the_mail(membership, mailoutbox):
    people.update_profile(membership=membership, profile=Profile("ivy@new.example"), actor=ACTOR)
    deliver()
    assert [mail.to for mail in mailoutbox] == [["ivy@new.example"]]


def test_invitation_link_ends_when_the_address_changes_after_the_mail(membership, secret, mailoutbox):
    people.update_profile(membership=membership, profile=Profile("ivy@new.example"), actor=ACTOR)
    deliver()
    with pytest.raises(InvitationUnknown):
        queries.find_invitation(secret)


def test_accept_invitation_is_refused_for_the_account_of_the_former_address(membership, ivy):
    people.update_profile(membership=membership, profile=Profile("ivy@new.example"), actor=ACTOR)
    with pytest.raises(InvitationForSomebodyElse):
        people.accept_invitation(membership=membership, user=ivy, actor=ACTOR, mailed_at=now())


def test_second_invitation_mail_keeps_the_first_link_valid(acme, membership, secret):
    later = prepare(acme, membership)
    assert [queries.find_invitation(each).membership for each in (secret, later)] == [membership, membership]


@pytest.mark.parametrize("taken", ["first", "second"])
def test_accept_invitation_ends_every_link(sign_in, acme, ivy, membership, secret, taken):
    links = {"first": secret, "second": prepare(acme, membership)}
    accept(sign_in(ivy), links[taken])
    assert InvitationLink.objects.count() == 0
    assert [Client().get(f"/invitations/{each}/").status_code for each in links.values()] == [404, 404]


def test_remove_ends_every_invitation_link(acme, membership, secret):
    prepare(acme, membership)
    held.remove(membership)
    assert InvitationLink.objects.count() == 0


def test_expired_invitation_link_stays_expired_after_a_later_mail(acme, membership, secret):
    InvitationLink.objects.update(expires_at=now() - timedelta(seconds=1))
    later = prepare(acme, membership)
    with pytest.raises(InvitationUnknown):
        queries.find_invitation(secret)
    assert queries.find_invitation(later).membership == membership
    assert InvitationLink.objects.count() == 1


def test_invitation_link_to_a_former_address_is_unknown_even_after_a_later_mail(acme, membership, secret):
    people.update_profile(membership=membership, profile=Profile("ivy@new.example"), actor=ACTOR)
    later = prepare(acme, membership)
    with pytest.raises(InvitationUnknown):
        queries.find_invitation(secret)
    assert queries.find_invitation(later).membership == membership


def test_accept_invitation_activates_the_membership_for_the_invited_account(sign_in, ivy, membership, secret):
    response = accept(sign_in(ivy), secret)
    membership.refresh_from_db()
    assert (response.status_code, response["Location"]) == (302, "/orgs/acme/")
    assert (membership.user, membership.state) == (ivy, MembershipState.ACTIVE)


def test_accept_invitation_opens_the_organization_in_the_same_session(sign_in, ivy, membership, secret):
    browser = sign_in(ivy)
    accept(browser, secret)
    assert browser.get("/orgs/acme/").status_code == 200


def test_accept_invitation_returns_409_for_another_account(sign_in, stranger, membership, secret):
    assert accept(sign_in(stranger), secret).status_code == 403
    assert Membership.objects.get(pk=membership.pk).user is None


def test_accept_invitation_returns_409_for_an_account_that_has_not_verified_the_address(sign_in, membership, secret):
    unverified = UserFactory(email=IVY, verified=False)
    assert accept(sign_in(unverified), secret).status_code == 403
    assert Membership.objects.get(pk=membership.pk).user is None


def test_accept_invitation_returns_409_the_second_time(sign_in, ivy, membership, secret):
    browser = sign_in(ivy)
    accept(browser, secret)
    assert accept(browser, secret).status_code == 404


def test_accept_invitation_returns_409_for_an_expired_link(sign_in, ivy, membership, secret):
    InvitationLink.objects.update(expires_at=now() - timedelta(seconds=1))
    assert accept(sign_in(ivy), secret).status_code == 404
    assert Client().get(f"/invitations/{secret}/").status_code == 404


def test_accept_invitation_does_not_change_another_membership(sign_in, acme, ivy, membership, secret):
    other = people.create_membership(
        org=acme, profile=Profile("ola@elsewhere.example"), origin=MembershipOrigin.SCIM, actor=ACTOR
    )
    accept(sign_in(ivy), secret)
    other.refresh_from_db()
    assert other.user is None


def test_accept_invitation_raises_invitation_unknown_when_it_was_accepted_already(membership, ivy):
    people.accept_invitation(membership=membership, user=ivy, actor=ACTOR, mailed_at=now())
    with pytest.raises(InvitationUnknown):
        people.accept_invitation(membership=membership, user=ivy, actor=ACTOR, mailed_at=now())


def test_accept_invitation_raises_invitation_unknown_for_a_suspended_membership(membership, ivy):
    people.suspend_membership(membership=membership, source=SuspensionSource.SCIM, actor=ACTOR)
    with pytest.raises(InvitationUnknown):
        people.accept_invitation(membership=membership, user=ivy, actor=ACTOR, mailed_at=now())


def test_accept_invitation_raises_membership_exists_for_an_account_that_is_a_member(uma, membership):
    tenancy.mark_address_verified(user=uma.user, address=IVY)
    with pytest.raises(MembershipExists):
        people.accept_invitation(membership=membership, user=uma.user, actor=ACTOR, mailed_at=now())


def test_accept_from_home_returns_404_for_an_account_that_is_a_member(sign_in, uma, membership):
    tenancy.mark_address_verified(user=uma.user, address=IVY)
    assert sign_in(uma).post(f"/waiting/{membership.public_id}/accept/").status_code == 404


def test_accept_from_home_activates_the_membership(sign_in, ivy, membership):
    add_domain(org=membership.org, name="elsewhere.example", verified=True, actor=ACTOR)
    tenancy.mark_address_verified(user=ivy, address=IVY)
    browser = sign_in(ivy)
    assert f"/waiting/{membership.public_id}/accept/" in browser.get("/").content.decode()
    assert browser.post(f"/waiting/{membership.public_id}/accept/")["Location"] == "/orgs/acme/"
    assert browser.get("/orgs/acme/").status_code == 200


def test_accept_from_home_returns_409_when_the_address_was_verified_long_ago(sign_in, ivy, membership):
    browser = sign_in(ivy)
    page = browser.get("/").content.decode()
    assert "open the link in the invitation" in page
    assert f"/waiting/{membership.public_id}/accept/" not in page
    refused = browser.post(f"/waiting/{membership.public_id}/accept/")
    assert refused.status_code == 403
    assert "Open the newest link" in refused.content.decode()
    membership.refresh_from_db()
    assert membership.user is None


def test_accept_from_home_returns_404_for_somebody_elses_membership(sign_in, stranger, membership):
    assert sign_in(stranger).post(f"/waiting/{membership.public_id}/accept/").status_code == 404


# bounds


def ask_again(membership):
    held.invite(membership)
    deliver()


# what the counters postpone is in the future for everything else, too, whenever the tests run
NINE = (now() + timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0)


@pytest.fixture
def at_nine(monkeypatch):
    """It is a quarter past nine for the counters; calling this, it is so many hours later."""

    def move(hours):
        moment = NINE + timedelta(hours=hours, minutes=15)
        monkeypatch.setattr(counters, "now", lambda: moment)

    move(0)
    return move


def test_invitation_mails_to_an_address_are_limited_to_three_an_hour(membership, mailoutbox, at_nine):
    for _ in range(5):
        ask_again(membership)
    assert len(mailoutbox) == 3


def test_invitation_mails_to_an_address_are_limited_across_organizations(acme, globex, mailoutbox, at_nine):
    for org in (acme, globex):
        membership = people.create_membership(org=org, profile=Profile(IVY), origin=MembershipOrigin.SCIM, actor=ACTOR)
        deliver()
        ask_again(membership)
    assert len(mailoutbox) == 3


def test_invitation_mail_over_the_limit_waits_for_the_next_hour_and_its_link_stays_valid(
    membership, mailoutbox, at_nine
):
    for _ in range(3):
        ask_again(membership)
    link = LINK.search(mailoutbox[-1].body)[1]
    ask_again(membership)
    event = OutboxEvent.objects.get(delivered_at=None, canceled_at=None)
    assert (event.due_at, event.attempts, event.failed_at) == (NINE + timedelta(hours=1), 0, None)
    assert event.last_error == "This address gets no more than 3 invitations an hour."
    assert queries.find_invitation(link).membership == membership
    at_nine(1)
    deliver()
    assert len(mailoutbox) == 4


def test_members_page_shows_a_delayed_invitation_until_it_is_sent(olga, membership, sign_in, at_nine):
    admin = sign_in(olga)
    for _ in range(4):
        ask_again(membership)
    page = "/orgs/acme/settings/members/"
    assert f"Invitation mail delayed until {NINE:%-d %b}, 10:00 UTC" in admin.get(page).content.decode()
    at_nine(1)
    deliver()
    assert "delayed" not in admin.get(page).content.decode()


def test_invitation_mails_of_an_organization_over_the_limit_are_spread_over_the_next_hours(
    acme, mailoutbox, at_nine, monkeypatch
):
    monkeypatch.setattr(invitations, "INVITATIONS_OF_ORG", Limit("invitation.org", 2, is_spread=True))
    for number in range(6):
        people.create_membership(
            org=acme, profile=Profile(f"p{number}@elsewhere.example"), origin=MembershipOrigin.SCIM, actor=ACTOR
        )
    deliver()
    assert len(mailoutbox) == 2
    waiting = OutboxEvent.objects.filter(delivered_at=None).order_by("due_at")
    assert [event.due_at.hour for event in waiting] == [10, 10, 11, 11]
    assert {event.last_error for event in waiting} == {"This organization sends no more than 2 invitations an hour."}


def test_invitation_limit_of_an_organization_does_not_limit_another(acme, globex, mailoutbox, at_nine, monkeypatch):
    monkeypatch.setattr(invitations, "INVITATIONS_OF_ORG", Limit("invitation.org", 1))
    for org in (acme, acme, globex):
        address = f"p{Membership.objects.count()}@elsewhere.example"
        people.create_membership(org=org, profile=Profile(address), origin=MembershipOrigin.SCIM, actor=ACTOR)
    deliver()
    assert len(mailoutbox) == 2


def test_repeated_invitations_over_the_address_limit_delay_another_organization_by_one_hour_only(
    acme, globex, mailoutbox, at_nine
):
    ours = people.create_membership(org=acme, profile=Profile(IVY), origin=MembershipOrigin.SCIM, actor=ACTOR)
    for _ in range(9):
        ask_again(ours)
    people.create_membership(org=globex, profile=Profile(IVY), origin=MembershipOrigin.SCIM, actor=ACTOR)
    deliver()
    waiting = OutboxEvent.objects.get(org=globex)
    assert waiting.due_at == NINE + timedelta(hours=1)


def test_lifting_a_suspension_keeps_the_delay_of_an_invitation_mail(membership):
    until = now() + timedelta(minutes=50)
    Invitation.objects.update(delayed_until=until)
    flap(membership, 3)
    event = OutboxEvent.objects.get(canceled_at=None)
    assert abs(event.due_at - until) < timedelta(seconds=30)


def test_invitation_to_a_new_address_is_sent_without_the_delay_of_the_former_one(membership):
    Invitation.objects.update(delayed_until=now() + timedelta(minutes=50))
    people.update_profile(membership=membership, profile=Profile("ivy@new.example"), actor=ACTOR)
    assert OutboxEvent.objects.get(canceled_at=None).due_at < now() + timedelta(minutes=3)


def test_invitation_mail_over_the_organizations_limit_is_not_counted_for_the_address(
    acme, globex, mailoutbox, at_nine, monkeypatch
):
    monkeypatch.setattr(invitations, "INVITATIONS_OF_ORG", Limit("invitation.org", 1))
    people.create_membership(
        org=acme, profile=Profile("other@elsewhere.example"), origin=MembershipOrigin.SCIM, actor=ACTOR
    )
    ours = people.create_membership(org=acme, profile=Profile(IVY), origin=MembershipOrigin.SCIM, actor=ACTOR)
    for _ in range(4):
        ask_again(ours)
    people.create_membership(org=globex, profile=Profile(IVY), origin=MembershipOrigin.SCIM, actor=ACTOR)
    deliver()
    assert [mail.to for mail in mailoutbox] == [["other@elsewhere.example"], [IVY]]


@pytest.mark.parametrize("error", [SMTPServerDisconnected(), DeliveryRefused(550), ValueError()])
def test_invitation_mail_that_fails_to_send_is_not_counted(membership, mailoutbox, at_nine, monkeypatch, error):
    def refuse(mail):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "send_mail", refuse)
        for _ in range(5):
            ask_again(membership)
    ask_again(membership)
    assert len(mailoutbox) == 1


def test_invitation_mail_that_fails_in_the_next_hour_is_uncounted_in_the_hour_of_its_count(
    acme, membership, at_nine, monkeypatch
):
    def refuse_in_the_next_hour(mail):
        at_nine(1)
        raise SMTPServerDisconnected

    monkeypatch.setattr(outbox, "send_mail", refuse_in_the_next_hour)
    deliver()
    assert OutboxEvent.objects.get().last_error == "SMTPServerDisconnected"
    at_nine(0)
    for limit, key in ((invitations.INVITATIONS_TO_ADDRESS, IVY), (Limit("invitation.org", 1), str(acme.public_id))):
        for _ in range(limit.amount):
            counters.take(limit, key)


def test_invitation_that_ended_before_sending_is_not_counted(membership, mailoutbox, at_nine, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(invitations, "prepare_invitation", lambda **_: None)
        for _ in range(5):
            ask_again(membership)
    ask_again(membership)
    assert len(mailoutbox) == 1


# pruning


def end_links(days):
    Invitation.objects.update(sent_at=now(), expires_at=now() - timedelta(days=days))


@pytest.mark.parametrize(("days", "left"), [(29, 1), (31, 0)])
def test_prune_deletes_an_invitation_thirty_days_after_its_expiry(membership, mailoutbox, days, left):
    deliver()
    end_links(days)
    prune()
    assert Invitation.objects.count() == left
    assert Membership.objects.get(pk=membership.pk).state == MembershipState.INVITED


def test_prune_keeps_an_expired_invitation_that_is_planned_again(membership, mailoutbox):
    deliver()
    end_links(31)
    held.invite(membership)
    assert prune() == 0
    deliver()
    assert len(mailoutbox) == 2


def test_prune_keeps_an_accepted_invitation(membership, mailoutbox):
    end_links(31)
    Invitation.objects.update(accepted_at=now())
    assert prune() == 0


def test_prune_deletes_all_expired_invitations_in_one_run_even_when_planned_ones_are_older(acme, monkeypatch):
    monkeypatch.setattr(portions, "PORTION", 2)
    for number in range(8):
        people.create_membership(
            org=acme, profile=Profile(f"p{number}@elsewhere.example"), origin=MembershipOrigin.SCIM, actor=ACTOR
        )
    end_links(31)
    planned = [str(each.membership.public_id) for each in Invitation.objects.order_by("pk")[:3]]
    OutboxEvent.objects.exclude(key__in=planned).update(canceled_at=now())
    assert prune() == 5
    assert {str(each.membership.public_id) for each in Invitation.objects.all()} == set(planned)
