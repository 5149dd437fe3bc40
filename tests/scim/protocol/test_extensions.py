"""Extensions of a user: the enterprise's and our own, named in full, with a dot, or not at all."""

import pytest

from scim.protocol.errors import InvalidValue
from scim.protocol.operations import read_operations
from scim.protocol.patch import apply
from scim.protocol.remarks import Remarks
from scim.protocol.schemas import ENTERPRISE, GATEHOUSE_USER, USER, locate
from scim.protocol.users import SPECS, Identity, facts, read_user, render_user, replace_user

UMA = {"userName": "uma", "active": True, ENTERPRISE: {"department": "Legal", "manager": {"value": "m1"}}}
IDENTITY = Identity("1", "https://x.test/1", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", 1)


def patched(*operations: dict, remarks: Remarks | None = None) -> dict:
    return apply(UMA, read_operations({"Operations": list(operations)}), remarks)


def replace(path: str | None, value: object) -> dict:
    return {"op": "Replace", "value": value} | ({"path": path} if path else {})


@pytest.mark.parametrize(
    "operation",
    [
        replace("employeeNumber", "7"),
        replace("EMPLOYEENUMBER", 7),
        replace(f"{ENTERPRISE}:employeeNumber", "7"),
        replace(f"{ENTERPRISE}.employeeNumber", "7"),
        replace(f"{ENTERPRISE.upper()}.employeeNumber", ["7"]),
        replace(ENTERPRISE, {"employeeNumber": "7"}),
        replace(None, {"employeeNumber": [{"$ref": None, "value": "7"}]}),
        replace(None, {f"{ENTERPRISE}:employeeNumber": "7"}),
        replace(None, {f"{ENTERPRISE}.employeeNumber": "7"}),
        replace(None, {ENTERPRISE: {"employeeNumber": "7"}}),
        replace("urn:scim:schemas:extension:enterprise:1.0:employeeNumber", "7"),
    ],
)
def test_patch_sets_an_enterprise_attribute_in_every_spelling(operation):
    assert patched(operation)[ENTERPRISE]["employeeNumber"] == "7"


@pytest.mark.parametrize("value", ["m2", {"value": "m2"}, [{"$ref": None, "value": "m2"}], ["m2"], [{"value": "m2"}]])
@pytest.mark.parametrize("path", ["manager", f"{ENTERPRISE}:manager", f"{ENTERPRISE}.manager"])
def test_patch_sets_the_manager_in_every_form(path, value):
    assert patched(replace(path, value))[ENTERPRISE]["manager"] == {"value": "m2"}


@pytest.mark.parametrize("path", ["manager.value", f"{ENTERPRISE}:manager.value", f"{ENTERPRISE}.manager.value"])
def test_patch_sets_the_manager_by_its_value(path):
    assert patched(replace(path, "m2"))[ENTERPRISE]["manager"] == {"value": "m2"}


@pytest.mark.parametrize("value", ["", None, [], [""], [{"$ref": None, "value": ""}], {"value": ""}])
@pytest.mark.parametrize("path", ["manager", f"{ENTERPRISE}:manager", f"{ENTERPRISE}.manager"])
def test_patch_with_an_empty_manager_clears_the_manager(path, value):
    assert patched(replace(path, value))[ENTERPRISE] == {"department": "Legal"}


@pytest.mark.parametrize("path", ["manager", "department", "division", f"{ENTERPRISE}.department"])
def test_removing_an_enterprise_attribute_without_its_urn_removes_it(path):
    name = path.rpartition(".")[2]
    assert name not in patched({"op": "Remove", "path": path})[ENTERPRISE]


@pytest.mark.parametrize(
    "body",
    [
        {"department": "Sales"},
        {f"{ENTERPRISE}:department": "Sales"},
        {f"{ENTERPRISE}.department": "Sales"},
        {ENTERPRISE: {"department": "Sales"}},
        {ENTERPRISE: {"division": "x"}, "department": "Sales", "Division": ""},
    ],
)
def test_body_of_a_user_holds_an_enterprise_attribute_in_every_spelling(body):
    assert read_user({"userName": "u"} | body)[ENTERPRISE]["department"] == "Sales"


def test_attribute_of_the_core_schema_is_never_taken_for_an_extensions():
    assert locate("title", SPECS) == ("", "title")
    assert locate(f"{USER}:title", SPECS) == ("", "title")


def test_attribute_of_an_unknown_schema_is_located_nowhere():
    assert locate("urn:example:2.0:User:badge", SPECS) == ("", "urn:example:2.0:User:badge")


@pytest.mark.parametrize("spelling", ["Admin", "admin", "ADMIN ", ["admin"], {"value": "Admin"}])
@pytest.mark.parametrize("name", [None, "organizationRole", f"{GATEHOUSE_USER}:organizationRole"])
def test_organization_role_is_read_in_any_case_and_kept_in_canonical_case(name, spelling):
    body = {name: spelling} if name else {GATEHOUSE_USER: {"organizationRole": spelling}}
    document = read_user({"userName": "u"} | body)
    assert document[GATEHOUSE_USER] == {"organizationRole": "Admin"}
    assert facts(document).organization_role == "admin"


@pytest.mark.parametrize("role", ["owner", "Owner", "root", True, {"a": 1}])
def test_role_that_a_directory_cannot_give_is_refused(role):
    with pytest.raises(InvalidValue, match="organizationRole must be"):
        read_user({"userName": "u", GATEHOUSE_USER: {"organizationRole": role}})


def test_refused_owner_says_who_names_owners():
    with pytest.raises(InvalidValue, match=r"Admin, User, Guest\. .*Owners are named by owners"):
        patched(replace("organizationRole", "Owner"))


@pytest.mark.parametrize("role", ["", " ", None, []])
def test_empty_role_is_no_role(role):
    document = read_user({"userName": "u", GATEHOUSE_USER: {"organizationRole": role}})
    assert facts(document).organization_role is None
    assert GATEHOUSE_USER not in document


@pytest.mark.parametrize("path", ["organizationRole", f"{GATEHOUSE_USER}:organizationRole", GATEHOUSE_USER])
def test_role_is_removed_by_patch(path):
    before = UMA | {GATEHOUSE_USER: {"organizationRole": "Guest"}}
    assert apply(before, read_operations({"Operations": [{"op": "remove", "path": path}]})) == UMA


def test_rendered_user_names_each_extension_that_it_has():
    document = UMA | {GATEHOUSE_USER: {"organizationRole": "Guest"}}
    shown = render_user(document, identity=IDENTITY, groups=())
    assert shown["schemas"] == [USER, ENTERPRISE, GATEHOUSE_USER]
    assert shown[GATEHOUSE_USER] == {"organizationRole": "Guest"}


@pytest.mark.parametrize(
    ("operation", "named"),
    [
        (replace("shoeSize", 44), "shoeSize"),
        (replace("name.nick", "U"), "name.nick"),
        (replace('emails[type eq "secret"].shoe', "U"), "emails.shoe"),
        (replace("urn:example:2.0:User:badge", "7"), "urn:example:2.0:User:badge"),
        (replace(f"{ENTERPRISE}:badge", "7"), f"{ENTERPRISE}:badge"),
        (replace(None, {"shoeSize": 44, "schemas": [], "id": "x"}), "shoeSize"),
        (replace(None, {"@odata.type": "User"}), "@odata.type"),
        (replace("name", {"nick": "U"}), "name.nick"),
        (replace(f"{ENTERPRISE}:manager", {"value": "m1", "rank": 1}), "manager.rank"),
        (replace("emails", [{"value": "u@acme.example", "shoe": 1}]), "emails.shoe"),
        (replace('emails[type eq "work"]', {"value": "u@acme.example", "shoe": 1}), "emails.shoe"),
    ],
)
def test_patch_names_an_attribute_that_it_ignores(operation, named):
    remarks = Remarks()
    patched(operation, remarks=remarks)
    assert remarks.ignored == {named: None}


@pytest.mark.parametrize("name", ["id", "ID", "meta", "schemas", "Schemas", "groups", "password"])
def test_body_with_an_attribute_that_every_client_sends_leaves_no_remark(name):
    remarks = Remarks()
    read_user({"userName": "u", name: [{"value": "x"}]}, remarks)
    assert remarks.text() == ""


@pytest.mark.parametrize("operation", [replace("password", "secret"), replace(None, {"password": "secret"})])
def test_password_is_accepted_and_never_stored(operation):
    remarks = Remarks()
    assert patched(operation, remarks=remarks) is UMA
    assert remarks.text() == ""


def test_replaced_user_is_the_same_document_when_nothing_changes():
    assert replace_user(UMA, {**UMA, "id": "x", "meta": {}}) is UMA


@pytest.mark.parametrize(
    "operation",
    [
        replace("active", "True"),
        replace("department", "Legal"),
        replace("nickName", ""),
        {"op": "add", "path": "manager", "value": "m1"},
        {"op": "remove", "path": "title"},
        replace("shoeSize", 44),
    ],
)
def test_patched_user_is_the_same_document_when_nothing_changes(operation):
    assert patched(operation) is UMA


def test_name_as_a_list_of_one_changes_the_parts_given():
    document = patched(replace("name", [{"givenName": "Uma"}]), replace("name", {"familyName": "Ulv"}))
    assert document["name"] == {"givenName": "Uma", "familyName": "Ulv"}


def test_display_name_of_an_old_console_is_read():
    operation = {"op": "Replace", "path": "displayName", "value": [{"$ref": None, "value": "X"}]}
    assert patched(operation)["displayName"] == "X"
