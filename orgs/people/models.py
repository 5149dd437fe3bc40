import uuid

from django.db import models

from orgs.tenancy.models import Membership, Organization


class Invitation(models.Model):
    """A link by which the person of a waiting seat joins. The secret is minted when the mail is sent; its digest is kept."""

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    membership = models.OneToOneField(Membership, on_delete=models.CASCADE, related_name="invitation")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    digest = models.CharField(max_length=64, blank=True, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    delayed_until = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["org", "id"], name="invitation_in_org")]

    def __str__(self) -> str:
        return f"Invitation of {self.membership_id}"
