from scim.protocol.errors import InvalidValue, ResourceNotFound, Uniqueness


class DirectoryGroupUnknown(ResourceNotFound):
    """No group of this directory has the id (RFC 7644 §3.4.1)."""


class DirectoryGroupTaken(Uniqueness):
    """Another group of this directory has the displayName or the externalId (RFC 7644 §3.3)."""


class MemberUnknown(InvalidValue):
    """A member value is no user of this directory (RFC 7643 §4.2)."""
