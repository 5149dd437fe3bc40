"""Which membership a verified person gets: the one that they have, or one made now. No session is opened here."""

from dataclasses import replace

from django.db import transaction

from orgs.base.actor import Actor
from orgs.base.text import address_key
from orgs.deprovisioning import queries as deprovisioning_queries
from orgs.deprovisioning import services as deprovisioning
from orgs.people import services as people
from orgs.people.errors import MembershipExists
from orgs.people.types import Profile
from orgs.tenancy.errors import LastOwner
from orgs.tenancy.models import Membership
from orgs.tenancy.types import GrantSource, MembershipOrigin, Role
from sso.admission import queries
from sso.admission.errors import SubjectChanged
from sso.admission.types import Subject
from sso.connections import services as connections
from sso.identity.profile import ClaimedProfile


def admit(*, subject: Subject, found: Membership | None) -> Membership:
    """Return the person's membership with its account: the one that `membership_to_enter` found, or one that is made now.

    Raises what `membership_to_enter` raises, ConsentMissing, MembershipExists, AddressInvalid.
    """
    membership = found if found is not None else _join(subject)
    queries.require_not_suspended(membership)
    if membership.user is None:
        with transaction.atomic():
            queries.lock_verified_domains(subject.connection.org, membership.email)
            # the domain may have been verified since, or the address
            membership = people.lock_membership(membership)
            people.activate_or_keep_invitation(membership=membership, actor=subject.actor)
    queries.require_person(membership)
    return membership


def _join(subject: Subject) -> Membership:
    """Create the membership for this sign-in, or return the one that another tab has just created.

    It is suspended when a person had suspended the last member with the address. Raises MembershipExists.
    """
    connection, profile, actor = subject.connection, subject.profile, subject.actor
    shown = Profile(profile.email, profile.given_name, profile.family_name, profile.display_name)
    try:
        with transaction.atomic():
            queries.lock_verified_domains(connection.org, profile.email)
            membership = people.create_membership(
                org=connection.org, profile=shown, origin=MembershipOrigin.SSO, actor=actor
            )
            role = Role(connection.default_role)
            people.grant_role(membership=membership, role=role, source=GrantSource.DEFAULT, actor=actor)
            deprovisioning.carry_over_suspensions(membership=membership, actor=actor)
    except MembershipExists:
        found = queries.membership_to_enter(connection, subject.claims, profile.email)
        if found is None:
            raise
        return found
    return membership


@transaction.atomic
def confirm(*, membership: Membership, subject: Subject) -> Membership:
    """Return the membership, held: it is still this person's, knows their NameID, and shows what the IdP says.

    It is for the transaction that opens the session: who removes the domain of its addresses waits for that, and then
    ends the session, or was before. Raises SubjectChanged, MembershipUnknown, and what `membership_to_enter` raises.
    """
    connection, claims = subject.connection, subject.claims
    queries.lock_verified_domains(connection.org, subject.profile.email, membership.email)
    locked = people.lock_membership(membership)
    queries.require_person(locked)
    queries.require_same_domain(locked, membership)
    if queries.membership_to_enter(connection, claims, subject.profile.email) != locked:
        raise SubjectChanged(expected=locked.email, received=subject.profile.email)
    if claims.is_lasting:
        connections.remember_identity(
            connection=connection,
            membership=locked,
            name_id=claims.subject,
            name_id_format=claims.subject_format,
            actor=subject.actor,
        )
    _refresh(locked, subject.profile, subject.actor)
    return locked


def _refresh(membership: Membership, profile: ClaimedProfile, actor: Actor) -> None:
    """Update the membership's profile from the assertion, unless a directory provisioned it.

    It gets no address that a person has closed by suspending its last holder.
    """
    if MembershipOrigin.SCIM in membership.origin_set:
        return
    given, family = profile.given_name or membership.given_name, profile.family_name or membership.family_name
    shown = profile.display_name or f"{given} {family}".strip() or membership.display_name
    told = Profile(profile.email, given, family, shown)
    is_renamed = address_key(profile.email) != membership.email_key
    if is_renamed and deprovisioning_queries.suspensions_by_people(membership, profile.email):
        told = replace(told, email=membership.email)
    try:
        people.update_profile(membership=membership, profile=told, actor=actor)
    except LastOwner:
        # the last owner keeps the address that people gave them, and signs in all the same
        people.update_profile(membership=membership, profile=replace(told, email=membership.email), actor=actor)
