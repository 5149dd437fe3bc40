from scim.protocol.errors import InvalidValue, ResourceNotFound, Uniqueness


class UserUnknown(ResourceNotFound):
    """No user of this directory has the id (RFC 7644 §3.4.1)."""


class UserNameTaken(Uniqueness):
    """Another user of this directory has the userName or the externalId (RFC 7644 §3.3)."""


class AddressMissing(InvalidValue):
    """Neither userName nor emails holds an address by which the person could sign in."""
