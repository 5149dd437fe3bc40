"""Bodies of the shape that JumpCloud sends; the values are our own."""

from typing import Any

USER_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE_SCHEMA = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GROUP_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def user_body(address: str = "nora@acme.example", **changes: Any) -> dict[str, Any]:
    """A user as JumpCloud creates one: both schemas named, no enterprise object."""
    return {
        "active": True,
        "displayName": "Nora Nilsen",
        "emails": [{"primary": True, "type": "work", "value": address}],
        "locale": "nb-NO",
        "name": {"givenName": "Nora", "familyName": "Nilsen"},
        "phoneNumbers": [{"type": "work", "value": "tel:+47-555-0100"}],
        "schemas": [USER_SCHEMA, ENTERPRISE_SCHEMA],
        "userName": address,
    } | changes


def group_body(name: str = "Engineering", **changes: Any) -> dict[str, Any]:
    return {"schemas": [GROUP_SCHEMA], "displayName": name} | changes


def patch_body(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [PATCH_SCHEMA], "Operations": list(operations)}


def without(body: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in names}
