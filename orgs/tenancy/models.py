import uuid
from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from orgs.base.clock import now
from orgs.base.text import KEY_LENGTH, address_key, initials
from orgs.tenancy.types import (
    PERSONAL_METHODS,
    AddressKind,
    GrantSource,
    MembershipOrigin,
    MembershipState,
    Role,
    SignInMethod,
    SuspensionSource,
)


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email_key=address_key(username or ""))


class User(AbstractBaseUser, PermissionsMixin):
    """A person's account, in no organization or many. `tenancy.services` alone writes its addresses.

    `email_key` is set while `email` is verified, and empty otherwise: an account owns no address that it hasn't verified.
    `address_lost_at` is when that was last taken from it: it is kept so long, for its person to add another.
    `made_by_org` names the organization whose provisioning created the account.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = models.EmailField(max_length=254, blank=True)
    email_key = models.CharField(max_length=KEY_LENGTH, unique=True, null=True, editable=False)  # noqa: DJ001 - empty for many
    # its index is in Meta: a migration builds that without blocking writes
    made_by_org = models.ForeignKey(
        "orgs.Organization",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        db_index=False,
    )
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(auto_now_add=True)
    address_lost_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "email_key"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        indexes = [models.Index(fields=["made_by_org"], name="user_by_made_by_org")]

    def __str__(self) -> str:
        return self.email or f"Account {self.public_id}"

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Clear the key when the address is another one: libraries save accounts too, and allauth the address alone."""
        if self.email_key != address_key(self.email):
            self.lose_address()
        if update_fields is not None and "email" in update_fields:
            update_fields = {*update_fields, "email_key", "address_lost_at"}
        super().save(*args, update_fields=update_fields, **kwargs)

    def lose_address(self) -> None:
        """Clear the key, and remember when it was lost. Nothing is saved."""
        if self.email_key is not None:
            self.email_key, self.address_lost_at = None, now()

    def clean(self) -> None:
        """Leave the address as it is; AbstractBaseUser would rewrite the natural key."""

    @property
    def initials(self) -> str:
        return initials(self.email)


class AddressVerification(models.Model):
    """When an account last verified that its person reads an address.

    The address counts as verified only if allauth's EmailAddress says so too.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="address_verifications")
    address_key = models.CharField(max_length=KEY_LENGTH, db_index=True)
    verified_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "address_key"], name="one_verification_per_address")]

    def __str__(self) -> str:
        return self.address_key


class Organization(models.Model):
    """A tenant: every row of its settings, people and logs carries its id."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    slug = models.SlugField(max_length=63, unique=True)
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def initials(self) -> str:
        return initials(self.name)


class Membership(models.Model):
    """One membership in one organization; `user` is empty until the person has joined.

    `role` and `state` are derived from grants and suspensions by people.services, and kept here to be listed and locked.
    """

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="memberships")
    email = models.EmailField(max_length=254)
    email_key = models.CharField(max_length=KEY_LENGTH)
    given_name = models.CharField(max_length=200, blank=True)
    family_name = models.CharField(max_length=200, blank=True)
    display_name = models.CharField(max_length=400, blank=True)
    name_key = models.CharField(max_length=KEY_LENGTH, blank=True)
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.USER)
    state = models.CharField(max_length=10, choices=MembershipState.choices, default=MembershipState.INVITED)
    origins = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    joined_at = models.DateTimeField(null=True, blank=True)
    last_sign_in_at = models.DateTimeField(null=True, blank=True)
    # when the directory deleted this person: from then on the address is free, and the row is history until they return
    deprovisioned_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name_key", "id"]
        constraints = [
            models.UniqueConstraint(fields=["org", "id"], name="membership_in_org"),
            models.UniqueConstraint(fields=["org", "user"], name="one_membership_per_account"),
            models.UniqueConstraint(
                fields=["org", "email_key"],
                condition=Q(deprovisioned_at__isnull=True),
                name="one_membership_per_address",
            ),
            models.CheckConstraint(
                condition=Q(deprovisioned_at__isnull=True) | Q(state=MembershipState.SUSPENDED),
                name="membership_deprovisioned_is_suspended",
            ),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role_known"),
            models.CheckConstraint(condition=Q(state__in=MembershipState.values), name="membership_state_known"),
            models.CheckConstraint(
                condition=~Q(state=MembershipState.ACTIVE) | Q(user__isnull=False), name="membership_active_has_account"
            ),
        ]
        indexes = [
            models.Index(fields=["org", "name_key", "id"], name="membership_by_name"),
            models.Index(fields=["org", "role", "state"], name="membership_by_role"),
        ]

    def __str__(self) -> str:
        return self.display_name or self.email

    @property
    def initials(self) -> str:
        return initials(self.display_name or self.email)

    @property
    def origin_set(self) -> frozenset[MembershipOrigin]:
        return frozenset(MembershipOrigin(code) for code in self.origins.split())

    @property
    def is_active(self) -> bool:
        return self.state == MembershipState.ACTIVE


class RoleGrant(models.Model):
    """One reason for a role. `reference` tells apart several grants of one source, as two groups do."""

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="grants")
    role = models.CharField(max_length=10, choices=Role.choices)
    source = models.CharField(max_length=10, choices=GrantSource.choices)
    reference = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["membership", "source", "reference"], name="one_grant_per_source"),
            # an IdP's groups can't make owners: those come from people only
            models.CheckConstraint(
                condition=~Q(role=Role.OWNER) | Q(source=GrantSource.PERSON), name="owner_granted_by_a_person"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()}: {self.get_source_display()}"


class Suspension(models.Model):
    """One reason why a membership is suspended; lifting one source lifts only its own.

    A directory is a source of its own: `directory` is its public id, and empty where people or rules suspended.
    """

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="suspensions")
    source = models.CharField(max_length=10, choices=SuspensionSource.choices)
    directory = models.UUIDField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["membership", "source"], condition=Q(directory=None), name="one_suspension_per_source"
            ),
            models.UniqueConstraint(
                fields=["membership", "directory"],
                condition=Q(directory__isnull=False),
                name="one_suspension_per_directory",
            ),
            models.CheckConstraint(
                condition=Q(directory=None) | Q(source=SuspensionSource.SCIM), name="suspension_by_directory_is_scim"
            ),
        ]

    def __str__(self) -> str:
        return self.get_source_display()


class MembershipAddress(models.Model):
    """Every address a membership has had, so that a rename by the IdP doesn't break the link to the person."""

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="addresses")
    address = models.EmailField(max_length=254)
    address_key = models.CharField(max_length=KEY_LENGTH)
    kind = models.CharField(max_length=10, choices=AddressKind.choices, default=AddressKind.CURRENT)
    # since when it is current, or former
    since = models.DateTimeField(default=now, db_default=Now())
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["membership", "address_key"], name="address_once_per_membership"),
            models.UniqueConstraint(
                fields=["org", "address_key"],
                condition=Q(kind=AddressKind.CURRENT),
                name="address_current_once_per_org",
            ),
        ]
        indexes = [models.Index(fields=["org", "address_key"], name="membership_address_lookup")]

    def __str__(self) -> str:
        return self.address


class SessionGrant(models.Model):
    """What a browser session may reach: one membership, by one proof, until it expires or the membership is suspended.

    `session` is a random mark inside the session, not its key: Django changes the key when a password changes.
    """

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="session_grants")
    session = models.UUIDField()
    method = models.CharField(max_length=10, choices=SignInMethod.choices)
    connection = models.UUIDField(null=True, blank=True)
    session_index = models.CharField(max_length=256, blank=True)
    # fingerprints of the certificates with which the IdP signed, one or two, separated by a space
    certificates = models.CharField(max_length=129, blank=True, default="", db_default="")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["session", "membership"], name="one_grant_per_session_and_membership")
        ]
        indexes = [models.Index(fields=["expires_at"], name="session_grant_expiry")]

    def __str__(self) -> str:
        return f"{self.get_method_display()} until {self.expires_at:%Y-%m-%d %H:%M}"

    @property
    def is_owners_own(self) -> bool:
        """Return whether the person of this session is an owner who signed in by password or passkey, which an IdP can't do."""
        return self.membership.role == Role.OWNER and self.method in PERSONAL_METHODS
