from django.db.models import TextChoices


class GroupSource(TextChoices):
    SCIM = "scim", "SCIM"
    SAML = "saml", "SAML"
    LOCAL = "local", "Made here"
