"""Which membership a verified person gets: the one that they have, or one made now. No session is opened here."""

from collections.abc import Collection
from dataclasses import replace

from django.db import transaction

from orgs.base.actor import Actor
from orgs.base.clock import now
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
from sso.admission.types import Candidates, Subject
from sso.connections import services as connections
from sso.connections.models import SamlIdentity
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
        found = queries.read_candidates(connection, subject.claims, profile.email)
        entered = queries.membership_to_enter(found, queries.verified_domains(found))
        if entered is None:
            raise
        return entered
    return membership


def hold(found: Candidates, verified: Collection[str], membership: Membership) -> Membership:
    """Return the membership as it is now, held until the caller's transaction ends: it is still this person's.

    The domains are held before. So who removes one waits for that, and then ends the session, or was before.
    Raises SubjectChanged, MembershipUnknown, and what `membership_to_enter` raises.
    """
    locked = people.lock_membership(membership)
    if _decides_alike(locked, membership):
        return locked
    # somebody has changed it meanwhile
    queries.require_person(locked)
    queries.require_same_domain(locked, membership)
    again = queries.read_candidates(found.connection, found.claims, found.email)
    if queries.membership_to_enter(again, verified) != locked:
        raise SubjectChanged(expected=locked.email, received=found.email)
    return locked


def _decides_alike(locked: Membership, seen: Membership) -> bool:
    """Say whether nothing has changed of the membership by which it was chosen."""
    facts = ("email_key", "user_id", "state", "deprovisioned_at")
    return all(getattr(locked, name) == getattr(seen, name) for name in facts)


def confirm(*, found: Candidates, membership: Membership, subject: Subject) -> None:
    """Link the subject to the membership that is held, and show there what the IdP says; in the caller's transaction."""
    claims, link = subject.claims, found.link
    if link is not None and link.membership_id == membership.pk:
        _note_seen(link, claims.subject_format)
    elif claims.is_lasting:
        connections.remember_identity(
            connection=subject.connection,
            membership=membership,
            name_id=claims.subject,
            name_id_format=claims.subject_format,
            actor=subject.actor,
        )
    _refresh(membership, subject.profile, subject.actor)


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
    if people.is_shown(membership, told):
        return
    try:
        people.update_profile(membership=membership, profile=told, actor=actor)
    except LastOwner:
        # the last owner keeps the address that people gave them, and signs in all the same
        people.update_profile(membership=membership, profile=replace(told, email=membership.email), actor=actor)


def _note_seen(link: SamlIdentity, name_id_format: str) -> None:
    """Store that a NameID which is linked already was seen now."""
    known = SamlIdentity.objects.filter(org_id=link.org_id, pk=link.pk)
    known.update(name_id_format=name_id_format[:100], last_seen_at=now())
