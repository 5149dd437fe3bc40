from django.db.models import TextChoices


class DomainState(TextChoices):
    PENDING = "pending", "Pending"
    VERIFIED = "verified", "Verified"
    LAPSED = "lapsed", "Lapsed"
