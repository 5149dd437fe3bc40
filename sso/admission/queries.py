from collections.abc import Collection, Sequence

from orgs.base.text import address_domain, address_key
from orgs.domains import queries as domains
from orgs.people import queries as people
from orgs.providers.attributes import ProfileField
from orgs.providers.idp_settings import NameIdFormat
from orgs.providers.registry import provider
from orgs.tenancy import queries as tenancy
from orgs.tenancy.models import Membership, Organization, User
from orgs.tenancy.types import AddressKind, MembershipState
from sso.admission.errors import (
    AccountClosed,
    ConsentMissing,
    DeletedByDirectory,
    DomainNotVerified,
    MemberSuspended,
    NotAMember,
    SubjectChanged,
)
from sso.admission.types import Candidates, Subject
from sso.connections import queries as connections
from sso.connections.models import Configuration, Connection, SamlIdentity
from sso.identity.profile import AttributeNames
from sso.identity.types import VerifiedIdentity

# whichever of these is asked for, a NameID enters a linked membership only as its address
OF_ADDRESSES = frozenset({NameIdFormat.EMAIL, NameIdFormat.UNSPECIFIED})


def attribute_names(connection: Connection, chosen: Configuration) -> AttributeNames:
    """Return by which names each field of a profile may come: the admin's own alone, else the provider's usual ones."""
    aliases, named = provider(chosen.provider).guide.aliases, chosen.attribute_map

    def of(field: ProfileField) -> tuple[str, ...]:
        return (named[field],) if named.get(field) else tuple(aliases[field])

    return AttributeNames(
        email=of(ProfileField.EMAIL),
        given_name=of(ProfileField.GIVEN_NAME),
        family_name=of(ProfileField.FAMILY_NAME),
        display_name=of(ProfileField.DISPLAY_NAME),
        subject="" if named.get(ProfileField.EMAIL) else "NameID",
    )


def read_candidates(connection: Connection, claims: VerifiedIdentity, email: str) -> Candidates:
    """Return whose the subject and the address are now."""
    return Candidates(
        connection,
        claims,
        email,
        people.membership_of_address(connection.org, email),
        connections.find_identity(connection, claims.subject) if claims.is_lasting else None,
        people.address_kinds(connection.org, claims.subject),
    )


def membership_to_enter(
    found: Candidates, verified: Collection[str], tested: Configuration | None = None
) -> Membership | None:
    """Return the membership that this person may enter or be admitted to; None when nobody has it and people join by signing in.

    `verified` are the domains that the organization has verified, of the candidates' addresses. `tested` is the version that
    a test tries; without it the one in force says which NameIDs are asked for.
    Raises DomainNotVerified, SubjectChanged, NotAMember, MemberSuspended, DeletedByDirectory, AccountClosed.
    """
    connection, email = found.connection, found.email
    _require_among(verified, connection.org, email)
    membership = _membership_of(found, tested)
    if membership is None:
        if people.is_address_deprovisioned(connection.org, email):
            raise DeletedByDirectory(expected="a member whom the directory has", received=email)
        if not connections.rules(connection).jit:
            raise NotAMember(expected="a member with this address", received=email)
        return None
    _require_among(verified, connection.org, membership.email)
    require_not_suspended(membership)
    if membership.user is not None and not membership.user.is_active:
        raise AccountClosed
    return membership


def verified_domains(found: Candidates) -> Collection[str]:
    """Return the domains of the candidates' addresses that the organization has verified."""
    return domains.verified_among(found.connection.org, *found.addresses)


def lock_domains(found: Candidates) -> Collection[str]:
    """Return the same, and hold them until the transaction ends, so that none can be removed; before a membership is held."""
    return domains.lock_verified_domains(found.connection.org, *found.addresses)


def require_not_suspended(membership: Membership) -> None:
    """Raises MemberSuspended."""
    if membership.state == MembershipState.SUSPENDED:
        raise MemberSuspended(received=", ".join(str(suspension) for suspension in membership.suspensions.all()))


def membership_named(connection: Connection, claims: VerifiedIdentity, email: str) -> Membership | None:
    """Return whose membership a sign-in was for, may they enter or not: that of the NameID, else that of the address."""
    found = read_candidates(connection, claims, email)
    return found.identity.membership if found.identity is not None else found.by_address


def is_somebody_else(subject: Subject, membership: Membership | None, user_id: int) -> bool:
    """Say whether the subject, who enters this membership or a new one, is another person than this account."""
    if membership is not None and membership.user is not None:
        return membership.user.pk != user_id
    account = tenancy.account_for_address(membership.email if membership is not None else subject.profile.email)
    return account is None or account.pk != user_id


def require_person(membership: Membership) -> User:
    """Return the account that has this membership. Raises ConsentMissing."""
    if membership.user is None:
        raise ConsentMissing(received=membership.email)
    return membership.user


def require_verified(org: Organization, address: str) -> None:
    """Raises DomainNotVerified."""
    if not domains.has_verified(org, address):
        raise _not_verified(org, address)


def lock_verified_domains(org: Organization, *addresses: str) -> None:
    """Lock the verified domains of these addresses until the transaction ends, so that none can be removed.

    It comes before the membership is held. Raises DomainNotVerified.
    """
    held = domains.lock_verified_domains(org, *addresses)
    for address in addresses:
        _require_among(held, org, address)


def _require_among(verified: Collection[str], org: Organization, address: str) -> None:
    if address_domain(address) not in verified:
        raise _not_verified(org, address)


def _not_verified(org: Organization, address: str) -> DomainNotVerified:
    verified = ", ".join(domain.name for domain in domains.verified_domains(org)[:10])
    return DomainNotVerified(expected=verified or "a verified domain (there is none yet)", received=address)


def require_same_domain(membership: Membership, held: Membership) -> None:
    """Check that the membership is still under the domain that was locked for it. Raises SubjectChanged."""
    if address_domain(membership.email) != address_domain(held.email):
        raise SubjectChanged(expected=held.email, received=membership.email)


def _membership_of(found: Candidates, tested: Configuration | None) -> Membership | None:
    """Return the membership that the IdP's NameID has belonged to, else the one with this address. Raises SubjectChanged."""
    by_address, identity = found.by_address, found.identity
    if identity is not None and by_address is not None and _is_provisioned_anew(identity.membership, by_address):
        identity = None
    if identity is not None:
        if by_address is not None and by_address.pk != identity.membership_id:
            raise SubjectChanged(expected=identity.membership.email, received=found.email)
        return identity.membership
    if by_address is not None:
        _require_same_subject(found, by_address, tested)
    return by_address


def _is_provisioned_anew(former: Membership, present: Membership) -> bool:
    """Say whether the directory has deleted the one and given an address of theirs to the other: it may be the same person.

    Under an address that they never had it is somebody else, whom a mail attribute alone would open to who was deleted.
    """
    return former.deprovisioned_at is not None and _has_had_address(former, present.email)


def _require_same_subject(found: Candidates, membership: Membership, tested: Configuration | None) -> None:
    """Refuse a mail attribute or a reassigned address that would open a linked membership. Raises SubjectChanged.

    Where the membership is linked, a NameID in the format of its link must be its address, as the link was. One in another
    format must be in the format that is asked for, and its address where that is emailAddress; where none is preferred, its
    address. None may come beside a link in the format that is asked for. A transient NameID is never linked, and comes
    under the same rules.
    """
    connection, claims = found.connection, found.claims
    is_own = _is_own_address(found, membership)
    linked = connections.identities_of(connection, membership)
    if not linked:
        return
    same_format = [one for one in linked if one.name_id_format == claims.subject_format]
    for one in same_format:
        if not (is_own and _has_had_address(membership, one.name_id)):
            raise SubjectChanged(expected=one.name_id, received=claims.subject)
    asked = _asked_format(connection, tested)
    standing = _link_in(membership, linked, asked) if asked != claims.subject_format else None
    is_asked = asked in {claims.subject_format, NameIdFormat.UNSPECIFIED}
    is_expected = is_asked and (is_own or asked not in OF_ADDRESSES)
    if standing is not None or not (same_format or is_expected):
        raise SubjectChanged(expected=(standing or linked[0]).name_id, received=claims.subject)


def _is_own_address(found: Candidates, membership: Membership) -> bool:
    """Say whether the NameID is an address that stands for this membership: that of today, or one that an admin has left to it.

    Raises SubjectChanged where it is somebody else's, or a former one, which may be a new person's.
    """
    name_id = found.claims.subject
    owner = people.membership_of_address(membership.org, name_id)
    kinds = dict(found.kinds)
    own = kinds.pop(membership.pk, None)
    is_anothers = (owner is not None and owner.pk != membership.pk) or AddressKind.NAME_ID in kinds.values()
    if is_anothers or own == AddressKind.FORMER:
        raise SubjectChanged(expected=membership.email, received=name_id)
    return own is not None


def _asked_format(connection: Connection, tested: Configuration | None) -> str:
    """Return the format in which the IdP is asked to name people; without a preference it is *unspecified*."""
    chosen = tested or connections.in_force(connection)
    return chosen.name_id_format if chosen is not None else NameIdFormat.UNSPECIFIED


def _link_in(membership: Membership, linked: Sequence[SamlIdentity], name_id_format: str) -> SamlIdentity | None:
    """Return a link in this format that still stands for the membership: a former address of it doesn't."""
    for one in linked:
        kind = people.address_kinds(membership.org, one.name_id).get(membership.pk)
        if one.name_id_format == name_id_format and kind != AddressKind.FORMER:
            return one
    return None


def _has_had_address(membership: Membership, address: str) -> bool:
    return membership.addresses.filter(org_id=membership.org_id, address_key=address_key(address)).exists()
