"""What can be set at an identity provider: that refusals point at, and that guides say where to find."""

from enum import StrEnum


class NameIdFormat(StrEnum):
    """The formats that connections ask for (SAML Core §8.3)."""

    EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
    UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
    PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
    TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"


class Setting(StrEnum):
    """What an admin would change to mend a refusal; each provider says where that is, in its own words."""

    SP_ENTITY_ID = "sp_entity_id"
    ACS_URL = "acs_url"
    IDP_ENTITY_ID = "idp_entity_id"
    METADATA = "metadata"
    NAME_ID = "name_id"
    ALGORITHM = "algorithm"
    CANONICALIZATION = "canonicalization"
    SIGNING = "signing"
    ENCRYPTION = "encryption"
    ATTRIBUTES = "attributes"
    ASSIGNMENT = "assignment"
    REQUEST = "request"
    IDP_INITIATED = "idp_initiated"
    DOMAIN = "domain"
    CLOCK = "clock"
    NOTHING = "nothing"
