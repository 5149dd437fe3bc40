"""What the service says of itself is what its tables do, and strict clients can read it (RFC 7643 §5-§8)."""

import pytest
import scim2_models
from scim2_models import Mutability, Uniqueness

from scim.protocol import discovery
from scim.protocol.paging import MAX_COUNT
from scim.protocol.schemas import (
    ENTERPRISE,
    ENTERPRISE_SPECS,
    GATEHOUSE_GROUP,
    GATEHOUSE_GROUP_SPECS,
    GATEHOUSE_USER,
    GATEHOUSE_USER_SPECS,
    GROUP,
    GROUP_SPECS,
    USER,
    USER_SPECS,
    find,
)

BASE = "https://gatehouse.example/scim/v2/d1"
CONFIG = discovery.service_provider_config(BASE)
TYPES = {document["name"]: document for document in discovery.resource_types(BASE)}
SCHEMAS = {document["id"]: document for document in discovery.schemas(BASE)}
# RFC 7643 §8.7.1, as another implementation holds it
REFERENCES = {
    USER: scim2_models.User.to_schema(),
    ENTERPRISE: scim2_models.EnterpriseUser.to_schema(),
    GROUP: scim2_models.Group.to_schema(),
}


def attributes_of(urn):
    """Return `dotted name → attribute` for a schema as we publish it."""
    found = {}
    for attribute in SCHEMAS[urn]["attributes"]:
        found[attribute["name"]] = attribute
        found |= {f"{attribute['name']}.{sub['name']}": sub for sub in attribute.get("subAttributes", [])}
    return found


def reference_of(urn):
    """Return `dotted name → attribute` for the schema as scim2_models has it."""
    found = {}
    for attribute in REFERENCES[urn].attributes:
        found[attribute.name] = attribute
        found |= {f"{attribute.name}.{sub.name}": sub for sub in attribute.sub_attributes or []}
    return found


PUBLISHED = [(urn, name) for urn in REFERENCES for name in attributes_of(urn)]


def test_service_provider_config_validates_in_scim2_models():
    read = scim2_models.ServiceProviderConfig.model_validate(CONFIG)
    assert read.patch.supported is True


def test_service_provider_config_announces_filter_support_and_the_largest_page():
    assert CONFIG["filter"] == {"supported": True, "maxResults": MAX_COUNT}


@pytest.mark.parametrize("feature", ["patch", "bulk", "filter", "sort", "etag"])
def test_service_provider_config_marks_implemented_features_as_supported(feature):
    assert CONFIG[feature]["supported"] is True


def test_service_provider_config_marks_changing_passwords_as_unsupported():
    assert CONFIG["changePassword"]["supported"] is False


def test_service_provider_config_announces_both_ways_of_paging_and_their_bounds():
    assert CONFIG["pagination"] == {
        "cursor": True,
        "index": True,
        "defaultPaginationMethod": "index",
        "defaultPageSize": 100,
        "maxPageSize": 200,
        "cursorTimeout": 3600,
    }


def test_service_provider_config_lists_the_bearer_token_as_only_scheme():
    assert [scheme["type"] for scheme in CONFIG["authenticationSchemes"]] == ["oauthbearertoken"]


@pytest.mark.parametrize(
    "document", [CONFIG, *TYPES.values(), *SCHEMAS.values()], ids=lambda one: one["meta"]["location"]
)
def test_meta_location_is_the_url_of_the_document(document):
    kind = document["meta"]["resourceType"]
    path = "ServiceProviderConfig" if kind == "ServiceProviderConfig" else f"{kind}s/{document['id']}"
    assert document["meta"]["location"] == f"{BASE}/{path}"


@pytest.mark.parametrize(("name", "endpoint", "schema"), [("User", "/Users", USER), ("Group", "/Groups", GROUP)])
def test_resource_types_validate_in_scim2_models(name, endpoint, schema):
    read = scim2_models.ResourceType.model_validate(TYPES[name])
    assert (read.id, str(read.endpoint), str(read.schema_)) == (name, endpoint, schema)


@pytest.mark.parametrize(("name", "urns"), [("User", [ENTERPRISE, GATEHOUSE_USER]), ("Group", [GATEHOUSE_GROUP])])
def test_resource_types_list_their_extensions_as_optional(name, urns):
    assert TYPES[name]["schemaExtensions"] == [{"schema": urn, "required": False} for urn in urns]


@pytest.mark.parametrize("urn", SCHEMAS)
def test_schemas_validate_in_scim2_models(urn):
    assert scim2_models.Schema.model_validate(SCHEMAS[urn]).id == urn


@pytest.mark.parametrize(
    ("urn", "specs"),
    [
        (USER, USER_SPECS),
        (ENTERPRISE, ENTERPRISE_SPECS),
        (GATEHOUSE_USER, GATEHOUSE_USER_SPECS),
        (GROUP, GROUP_SPECS),
        (GATEHOUSE_GROUP, GATEHOUSE_GROUP_SPECS),
    ],
    ids=lambda one: str(one)[-15:],
)
def test_published_schema_lists_every_attribute_in_the_specs(urn, specs):
    assert [one["name"] for one in SCHEMAS[urn]["attributes"]] == [spec.name for spec in specs]


@pytest.mark.parametrize(("urn", "name"), PUBLISHED, ids=lambda text: text.rpartition(":")[2])
def test_every_published_attribute_exists_in_the_rfc_schema(urn, name):
    assert name in reference_of(urn)


@pytest.mark.parametrize(("urn", "name"), PUBLISHED, ids=lambda text: text.rpartition(":")[2])
def test_every_published_attribute_has_the_type_and_plurality_of_the_rfc(urn, name):
    ours, theirs = attributes_of(urn)[name], reference_of(urn)[name]
    assert (ours["type"], ours["multiValued"]) == (theirs.type.value, bool(theirs.multi_valued))


@pytest.mark.parametrize(("urn", "name"), PUBLISHED, ids=lambda text: text.rpartition(":")[2])
def test_no_published_attribute_is_writable_when_it_is_read_only_in_the_rfc(urn, name):
    theirs = reference_of(urn)[name].mutability
    assert theirs != Mutability.read_only or attributes_of(urn)[name]["mutability"] == "readOnly"


@pytest.mark.parametrize(("urn", "name"), [(USER, "userName"), (GROUP, "displayName")])
def test_user_name_and_display_name_are_published_as_unique_on_the_server(urn, name):
    assert attributes_of(urn)[name]["uniqueness"] == Uniqueness.server.value


@pytest.mark.parametrize(("urn", "name"), [(USER, "profileUrl"), (USER, "groups.$ref"), (ENTERPRISE, "manager.$ref")])
def test_reference_attributes_have_reference_types_and_are_case_exact(urn, name):
    found = attributes_of(urn)[name]
    assert found["referenceTypes"]
    assert found["caseExact"] is True


def test_certificate_value_is_published_as_binary_and_case_exact():
    found = attributes_of(USER)["x509Certificates.value"]
    assert (found["type"], found["caseExact"]) == ("binary", True)


@pytest.mark.parametrize("name", ["active", "name", "emails.primary"])
def test_boolean_and_complex_attributes_have_no_case_exact_and_no_uniqueness(name):
    assert not {"caseExact", "uniqueness"} & set(attributes_of(USER)[name])


@pytest.mark.parametrize("name", ["username", "USERNAME", "userName"])
def test_find_matches_an_attribute_name_in_any_case(name):
    assert find(USER_SPECS, name).name == "userName"


def test_sub_named_matches_a_sub_attribute_name_in_any_case():
    assert find(USER_SPECS, "name").sub_named("GIVENNAME").name == "givenName"


def test_find_returns_none_for_an_unknown_attribute():
    assert find(USER_SPECS, "shoeSize") is None
