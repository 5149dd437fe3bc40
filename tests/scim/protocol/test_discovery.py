"""What the service says of itself is what its tables do, and strict clients can read it (RFC 7643 §5-§8)."""

import pytest
import scim2_models
from scim2_models import Mutability, Uniqueness

from scim.protocol import discovery
from scim.protocol.paging import MAX_COUNT
from scim.protocol.schemas import ENTERPRISE, ENTERPRISE_SPECS, GROUP, GROUP_SPECS, USER, USER_SPECS, find

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


PUBLISHED = [(urn, name) for urn in SCHEMAS for name in attributes_of(urn)]


def test_a_strict_client_reads_the_service_provider_config():
    read = scim2_models.ServiceProviderConfig.model_validate(CONFIG)
    assert read.patch.supported is True


def test_the_largest_page_is_announced():
    assert CONFIG["filter"] == {"supported": True, "maxResults": MAX_COUNT}


@pytest.mark.parametrize("feature", ["bulk", "sort", "etag", "changePassword"])
def test_what_is_not_done_is_not_promised(feature):
    assert CONFIG[feature]["supported"] is False


def test_the_only_way_in_is_a_bearer_token():
    assert [scheme["type"] for scheme in CONFIG["authenticationSchemes"]] == ["oauthbearertoken"]


@pytest.mark.parametrize(
    "document", [CONFIG, *TYPES.values(), *SCHEMAS.values()], ids=lambda one: one["meta"]["location"]
)
def test_a_document_lies_where_it_says(document):
    kind = document["meta"]["resourceType"]
    path = "ServiceProviderConfig" if kind == "ServiceProviderConfig" else f"{kind}s/{document['id']}"
    assert document["meta"]["location"] == f"{BASE}/{path}"


@pytest.mark.parametrize(("name", "endpoint", "schema"), [("User", "/Users", USER), ("Group", "/Groups", GROUP)])
def test_a_strict_client_reads_a_resource_type(name, endpoint, schema):
    read = scim2_models.ResourceType.model_validate(TYPES[name])
    assert (read.id, str(read.endpoint), str(read.schema_)) == (name, endpoint, schema)


def test_users_may_have_the_enterprise_extension():
    assert TYPES["User"]["schemaExtensions"] == [{"schema": ENTERPRISE, "required": False}]


def test_groups_have_no_extension():
    assert "schemaExtensions" not in TYPES["Group"]


@pytest.mark.parametrize("urn", SCHEMAS)
def test_a_strict_client_reads_a_schema(urn):
    assert scim2_models.Schema.model_validate(SCHEMAS[urn]).id == urn


@pytest.mark.parametrize(
    ("urn", "specs"),
    [(USER, USER_SPECS), (ENTERPRISE, ENTERPRISE_SPECS), (GROUP, GROUP_SPECS)],
    ids=lambda one: str(one)[-15:],
)
def test_a_schema_lists_every_attribute_that_is_read(urn, specs):
    assert [one["name"] for one in SCHEMAS[urn]["attributes"]] == [spec.name for spec in specs]


@pytest.mark.parametrize(("urn", "name"), PUBLISHED, ids=lambda text: text.rpartition(":")[2])
def test_an_attribute_is_one_of_the_rfc(urn, name):
    assert name in reference_of(urn)


@pytest.mark.parametrize(("urn", "name"), PUBLISHED, ids=lambda text: text.rpartition(":")[2])
def test_an_attribute_has_the_type_and_plurality_of_the_rfc(urn, name):
    ours, theirs = attributes_of(urn)[name], reference_of(urn)[name]
    assert (ours["type"], ours["multiValued"]) == (theirs.type.value, bool(theirs.multi_valued))


@pytest.mark.parametrize(("urn", "name"), PUBLISHED, ids=lambda text: text.rpartition(":")[2])
def test_an_attribute_is_never_more_writable_than_in_the_rfc(urn, name):
    theirs = reference_of(urn)[name].mutability
    assert theirs != Mutability.read_only or attributes_of(urn)[name]["mutability"] == "readOnly"


@pytest.mark.parametrize(("urn", "name"), [(USER, "userName"), (GROUP, "displayName")])
def test_a_unique_name_is_announced(urn, name):
    assert attributes_of(urn)[name]["uniqueness"] == Uniqueness.server.value


@pytest.mark.parametrize(("urn", "name"), [(USER, "profileUrl"), (USER, "groups.$ref"), (ENTERPRISE, "manager.$ref")])
def test_a_reference_says_to_what_and_is_compared_exactly(urn, name):
    found = attributes_of(urn)[name]
    assert found["referenceTypes"]
    assert found["caseExact"] is True


def test_a_certificate_is_binary_and_compared_exactly():
    found = attributes_of(USER)["x509Certificates.value"]
    assert (found["type"], found["caseExact"]) == ("binary", True)


@pytest.mark.parametrize("name", ["active", "name", "emails.primary"])
def test_booleans_and_objects_have_no_case(name):
    assert not {"caseExact", "uniqueness"} & set(attributes_of(USER)[name])


@pytest.mark.parametrize("name", ["username", "USERNAME", "userName"])
def test_an_attribute_is_found_in_whatever_case(name):
    assert find(USER_SPECS, name).name == "userName"


def test_a_sub_attribute_is_found_in_whatever_case():
    assert find(USER_SPECS, "name").sub_named("GIVENNAME").name == "givenName"


def test_an_unknown_attribute_is_not_found():
    assert find(USER_SPECS, "shoeSize") is None
