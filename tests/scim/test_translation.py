"""Whatever goes wrong behind the endpoint becomes one RFC 7644 error."""

from typing import Any

import pytest
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import UnreadablePostError
from django_scim.exceptions import SCIMException

from orgs.base.errors import Conflict, NotFound, RuleViolated
from orgs.people.errors import MembershipExists
from orgs.tenancy.errors import AddressInvalid, LastOwner
from scim.directories.errors import TokenRefused
from scim.endpoint.errors import translate
from scim.groups.queries import find_group
from scim.groups.views import DirectoryGroupAdapter
from scim.protocol.errors import NoTarget
from scim.users import queries, services
from scim.users.errors import UserNameTaken
from scim.users.views import DirectoryUserAdapter
from tests.conftest import ScimClient
from tests.scim.bodies import group_body, user_body

TABLE: list[tuple[Exception, int, str | None]] = [
    (NoTarget("as it is"), 400, "noTarget"),
    (TokenRefused("why"), 401, None),
    (LastOwner(), 409, None),
    (MembershipExists(), 409, "uniqueness"),
    (Conflict(), 409, "uniqueness"),
    (AddressInvalid(), 400, "invalidValue"),
    (NotFound(), 404, None),
    (RuleViolated(), 409, None),
    (RequestDataTooBig(), 413, None),
    (SuspiciousOperation(), 400, "invalidSyntax"),
    (UnreadablePostError(), 400, "invalidSyntax"),
    (IntegrityError(), 409, "uniqueness"),
    (OperationalError(), 503, None),
    (InterfaceError(), 503, None),
    (DataError(), 400, "invalidValue"),
    (SCIMException("library"), 400, "invalidSyntax"),
    (RuntimeError("unforeseen"), 500, None),
]


@pytest.mark.parametrize(("error", "status", "scim_type"), TABLE, ids=lambda given: type(given).__name__)
def test_translate_gives_status_and_scim_type_for_each_error(
    error: Exception, status: int, scim_type: str | None
) -> None:
    refusal = translate(error)
    assert (refusal.status, refusal.scim_type) == (status, scim_type)


@pytest.mark.parametrize("error", [error for error, status, _ in TABLE if status in {401, 500, 503}])
def test_translate_hides_the_cause_of_401_500_and_503(error: Exception) -> None:
    assert "why" not in translate(error).detail
    assert "unforeseen" not in translate(error).detail


def test_create_user_raises_user_name_taken_when_a_concurrent_request_took_the_name(
    scim: ScimClient, monkeypatch: Any
) -> None:
    scim.post("/Users", user_body(externalId="x1"))
    monkeypatch.setattr(queries, "holders_of", lambda *given: [])
    with pytest.raises(UserNameTaken):
        services.create_user(caller=scim.caller, document=user_body("other@acme.example", externalId="x1"))


def test_adapter_delete_goes_through_the_services(scim: ScimClient, rf: Any) -> None:
    user = scim.post("/Users", user_body()).json()["id"]
    group = scim.post("/Groups", group_body()).json()["id"]
    request = rf.delete("/")
    request.caller = scim.caller
    DirectoryUserAdapter(queries.find_user(scim.directory, user), request=request).delete()
    DirectoryGroupAdapter(find_group(scim.directory, group), request=request).delete()
    assert scim.get("/Users").json()["totalResults"] == scim.get("/Groups").json()["totalResults"] == 0


def test_directory_user_model_is_directory_user_and_not_the_account() -> None:
    assert queries.directory_user_model().__name__ == "DirectoryUser"
