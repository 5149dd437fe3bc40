"""What this service can do, generated from the tables that it works by (RFC 7643 §5-§8, RFC 7644 §4)."""

from scim.protocol.bulk import MAX_OPERATIONS, MAX_PAYLOAD
from scim.protocol.paging import CURSOR_TIMEOUT, DEFAULT_COUNT, MAX_COUNT
from scim.protocol.schemas import (
    ENTERPRISE,
    ENTERPRISE_SPECS,
    GATEHOUSE_GROUP,
    GATEHOUSE_GROUP_SPECS,
    GATEHOUSE_USER,
    GATEHOUSE_USER_SPECS,
    GROUP,
    GROUP_SPECS,
    RESOURCE_TYPE,
    SCHEMA,
    SPC,
    USER,
    USER_EXTENSIONS,
    USER_SPECS,
    AttributeSpec,
    AttributeType,
    Document,
    Specs,
)


def service_provider_config(base_url: str) -> Document:
    """Return what is supported; a client may rely on each line."""
    return {
        "schemas": [SPC],
        "patch": {"supported": True},
        "bulk": {"supported": True, "maxOperations": MAX_OPERATIONS, "maxPayloadSize": MAX_PAYLOAD},
        "filter": {"supported": True, "maxResults": MAX_COUNT},
        "changePassword": {"supported": False},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "pagination": {
            "cursor": True,
            "index": True,
            "defaultPaginationMethod": "index",
            "defaultPageSize": DEFAULT_COUNT,
            "maxPageSize": MAX_COUNT,
            "cursorTimeout": CURSOR_TIMEOUT,
        },
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Bearer token",
                "description": "A token generated in Gatehouse, under Authentication & SSO.",
                "specUri": "https://www.rfc-editor.org/info/rfc6750",
                "primary": True,
            }
        ],
        "meta": {"resourceType": "ServiceProviderConfig", "location": f"{base_url}/ServiceProviderConfig"},
    }


def resource_types(base_url: str) -> list[Document]:
    """Return the two kinds of resources."""
    return [
        _resource_type(base_url, "User", USER, tuple(USER_EXTENSIONS)),
        _resource_type(base_url, "Group", GROUP, (GATEHOUSE_GROUP,)),
    ]


def _resource_type(base_url: str, name: str, schema: str, extensions: tuple[str, ...]) -> Document:
    return {
        "schemas": [RESOURCE_TYPE],
        "id": name,
        "name": name,
        "description": f"{name}s of this directory",
        "endpoint": f"/{name}s",
        "schema": schema,
        "schemaExtensions": [{"schema": urn, "required": False} for urn in extensions],
        "meta": {"resourceType": "ResourceType", "location": f"{base_url}/ResourceTypes/{name}"},
    }


def schemas(base_url: str) -> list[Document]:
    """Return every schema with its attributes."""
    return [
        _schema(base_url, USER, "User", "A person", USER_SPECS),
        _schema(base_url, ENTERPRISE, "EnterpriseUser", "A person's place in an enterprise", ENTERPRISE_SPECS),
        _schema(base_url, GATEHOUSE_USER, "GatehouseUser", "What a person is in Gatehouse", GATEHOUSE_USER_SPECS),
        _schema(base_url, GROUP, "Group", "A group of people", GROUP_SPECS),
        _schema(base_url, GATEHOUSE_GROUP, "GatehouseGroup", "What a group is in Gatehouse", GATEHOUSE_GROUP_SPECS),
    ]


def _schema(base_url: str, urn: str, name: str, description: str, specs: Specs) -> Document:
    return {
        "schemas": [SCHEMA],
        "id": urn,
        "name": name,
        "description": description,
        "attributes": [_attribute(spec) for spec in specs],
        "meta": {"resourceType": "Schema", "location": f"{base_url}/Schemas/{urn}"},
    }


def _attribute(spec: AttributeSpec) -> Document:
    found: Document = {
        "name": spec.name,
        "type": str(spec.kind),
        "multiValued": spec.multi,
        "description": spec.description,
        "required": spec.required,
        "mutability": spec.mutability,
        "returned": spec.returned,
    }
    if spec.kind in {AttributeType.STRING, AttributeType.REFERENCE, AttributeType.BINARY}:
        # RFC 7643 §2.3.6, §2.3.7: references and binary values are always compared exactly
        found |= {"caseExact": spec.case_exact or spec.kind is not AttributeType.STRING, "uniqueness": spec.uniqueness}
    if spec.reference_types:
        found["referenceTypes"] = list(spec.reference_types)
    if spec.canonical:
        found["canonicalValues"] = list(spec.canonical)
    if spec.sub:
        found["subAttributes"] = [_attribute(sub) for sub in spec.sub]
    return found
