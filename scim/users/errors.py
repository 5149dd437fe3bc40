from scim.protocol.errors import Forbidden, InvalidValue, ResourceNotFound, Uniqueness


class UserUnknown(ResourceNotFound):
    """No user of this directory has the id (RFC 7644 §3.4.1)."""


class UserNameTaken(Uniqueness):
    """Another user of this directory has the userName or the externalId (RFC 7644 §3.3)."""


class AddressMissing(InvalidValue):
    """Neither userName nor emails holds an address by which the person could sign in."""


class ListedMember(Forbidden):
    """The directory only sees this member (RFC 7644 §3.12)."""

    def __init__(self) -> None:
        super().__init__(
            "This member isn't managed by the directory yet. Update the user by PUT or PATCH first: then it is yours to delete."
        )
