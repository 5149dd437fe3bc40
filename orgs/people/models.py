import uuid

from django.db import models

from orgs.base.text import KEY_LENGTH
from orgs.tenancy.models import Membership, Organization


class Invitation(models.Model):
    """What a waiting membership is asked by. Each mail holds a link of its own; `expires_at` is the end of the last one."""

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    membership = models.OneToOneField(Membership, on_delete=models.CASCADE, related_name="invitation")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    delayed_until = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["org", "id"], name="invitation_in_org")]

    def __str__(self) -> str:
        return f"Invitation of {self.membership_id}"


class InvitationLink(models.Model):
    """The link of one invitation mail. The secret is minted when the mail is sent; its digest is kept.

    A later mail doesn't end it. It works for the address that it was sent to, until the invitation ends or it expires.
    """

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    invitation = models.ForeignKey(Invitation, on_delete=models.CASCADE, related_name="links")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    address_key = models.CharField(max_length=KEY_LENGTH)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["org", "id"], name="invitation_link_in_org")]

    def __str__(self) -> str:
        return f"Link of {self.invitation_id}"
