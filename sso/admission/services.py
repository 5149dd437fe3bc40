"""Which seat a verified person gets: the one that they have, or one made now. No session is opened here."""

from dataclasses import replace

from django.db import transaction

from orgs.base.actor import Actor
from orgs.people import services as people
from orgs.people.errors import SeatTaken
from orgs.people.types import Profile
from orgs.tenancy.errors import LastOwner
from orgs.tenancy.models import Membership
from orgs.tenancy.types import GrantSource, Origin, Role
from sso.admission import queries
from sso.admission.errors import SubjectChanged
from sso.admission.types import Subject
from sso.connections import services as connections
from sso.saml.profile import SamlProfile


def admit(*, subject: Subject, found: Membership | None) -> Membership:
    """Return the person's membership with its account: the one that `seat_to_enter` found, or one that is made now.

    Raises what `seat_to_enter` raises, ConsentMissing, SeatTaken, AddressInvalid.
    """
    seat = found if found is not None else _join(subject)
    if seat.user is None:
        with transaction.atomic():
            queries.hold_verified(subject.connection.org, seat.email)
            # the domain may have been proved since, or the address
            seat = people.lock_seat(seat)
            people.admit_or_ask(membership=seat, actor=subject.actor)
    queries.require_person(seat)
    return seat


def _join(subject: Subject) -> Membership:
    """Return the seat that this person gets by signing in, or the one that another tab has just made. Raises SeatTaken."""
    connection, profile, actor = subject.connection, subject.profile, subject.actor
    shown = Profile(profile.email, profile.given_name, profile.family_name, profile.display_name)
    try:
        with transaction.atomic():
            queries.hold_verified(connection.org, profile.email)
            seat = people.create_seat(org=connection.org, profile=shown, origin=Origin.SSO, actor=actor)
            role = Role(connection.default_role)
            people.grant_role(membership=seat, role=role, source=GrantSource.DEFAULT, actor=actor)
    except SeatTaken:
        found = queries.seat_to_enter(connection, subject.claims, profile.email)
        if found is None:
            raise
        return found
    return seat


@transaction.atomic
def confirm(*, membership: Membership, subject: Subject) -> Membership:
    """Return the seat, held: it is still this person's, knows their NameID, and shows what the IdP says.

    It is for the transaction that opens the session: who removes the domain of its addresses waits for that, and then
    ends the session, or was before. Raises SubjectChanged, MembershipUnknown, and what `seat_to_enter` raises.
    """
    connection, claims = subject.connection, subject.claims
    queries.hold_verified(connection.org, subject.profile.email, membership.email)
    seat = people.lock_seat(membership)
    queries.require_person(seat)
    queries.require_same_domain(seat, membership)
    if queries.seat_to_enter(connection, claims, subject.profile.email) != seat:
        raise SubjectChanged(expected=seat.email, received=subject.profile.email)
    if queries.is_lasting(claims):
        connections.remember_identity(
            connection=connection,
            membership=seat,
            name_id=claims.name_id,
            name_id_format=claims.name_id_format,
            actor=subject.actor,
        )
    _refresh(seat, subject.profile, subject.actor)
    return seat


def _refresh(seat: Membership, profile: SamlProfile, actor: Actor) -> None:
    """The seat shows what the IdP says, unless a directory says it: what SCIM has set is not overwritten."""
    if Origin.SCIM in seat.origin_set:
        return
    given, family = profile.given_name or seat.given_name, profile.family_name or seat.family_name
    shown = profile.display_name or f"{given} {family}".strip() or seat.display_name
    told = Profile(profile.email, given, family, shown)
    try:
        people.update_profile(membership=seat, profile=told, actor=actor)
    except LastOwner:
        # the last owner keeps the address that people gave them, and signs in all the same
        people.update_profile(membership=seat, profile=replace(told, email=seat.email), actor=actor)
