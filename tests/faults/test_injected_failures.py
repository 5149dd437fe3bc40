"""An exception after each write of a SCIM request leaves nothing of it: not a row, not an event, not a log of success."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from scim.requests.models import RequestLog
from tests.conftest import ScimClient
from tests.scim.bodies import group_body, patch_body, user_body

pytestmark = pytest.mark.django_db(transaction=True)
# what a refused request may leave: its own log row, and the token's last use
KEPT = {"scim.requestlog", "scim.requestsubject", "scim.scimtoken", "orgs.organization"}
# a statement that begins with WITH and only reads counts, too: one failure more to survive
WRITES = ("INSERT", "UPDATE", "DELETE", "WITH")


class Injected(Exception):
    """The failure that a test puts behind a write."""


def snapshot() -> dict[str, list[Any]]:
    """Return every row of our tables but those that a refused request may leave."""
    models = [model for label in ("orgs", "scim") for model in apps.get_app_config(label).get_models()]
    return {
        model._meta.label_lower: list(model._default_manager.order_by("pk").values_list())
        for model in models
        if model._meta.label_lower not in KEPT
    }


@contextmanager
def failing_after_write(number: int) -> Iterator[list[str]]:
    """Raise behind the write of this number, counted from 1; yield the writes that were done."""
    done: list[str] = []

    def count(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        found = execute(sql, params, many, context)
        if sql.lstrip().startswith(WRITES):
            done.append(sql)
            if len(done) == number:
                raise Injected(sql[:60])
        return found

    with connection.execute_wrapper(count):
        yield done


Act = Callable[[ScimClient, dict[str, str]], Any]
ACTS: dict[str, Act] = {
    "create user": lambda scim, ids: scim.post("/Users", user_body("new@acme.example", externalId="n1")),
    "create user in verified domain": lambda scim, ids: scim.post("/Users", user_body("new@verified.example")),
    "adopt member": lambda scim, ids: scim.post("/Users", user_body("adam@acme.example")),
    "replace user": lambda scim, ids: scim.put(f"/Users/{ids['user']}", user_body("moved@acme.example", title="New")),
    "deactivate user": lambda scim, ids: scim.put(f"/Users/{ids['user']}", user_body(active=False)),
    "patch user": lambda scim, ids: scim.patch(
        f"/Users/{ids['user']}", patch_body({"op": "add", "path": "title", "value": "New"})
    ),
    "delete user": lambda scim, ids: scim.delete(f"/Users/{ids['user']}"),
    "create group": lambda scim, ids: scim.post("/Groups", group_body("New", members=[{"value": ids["user"]}])),
    "replace group": lambda scim, ids: scim.put(f"/Groups/{ids['group']}", group_body("Renamed", members=[])),
    "patch group": lambda scim, ids: scim.patch(
        f"/Groups/{ids['group']}",
        patch_body({"op": "replace", "value": {"displayName": "Renamed"}}, {"op": "remove", "path": "members"}),
    ),
    "delete group": lambda scim, ids: scim.delete(f"/Groups/{ids['group']}"),
}


@pytest.fixture
def ids(scim: ScimClient, adam: Any) -> dict[str, str]:
    from orgs.domains import services as domains
    from tests.factories import ACTOR

    domain = domains.add_domain(org=scim.directory.org, name="verified.example", actor=ACTOR)
    domains.mark_verified(domain=domain, actor=ACTOR)
    user = scim.post("/Users", user_body()).json()["id"]
    group = scim.post("/Groups", group_body(members=[{"value": user}])).json()["id"]
    return {"user": user, "group": group}


@pytest.mark.parametrize("name", ACTS)
def test_scim_request_that_fails_after_any_write_changes_nothing(
    scim: ScimClient, ids: dict[str, str], name: str
) -> None:
    before = snapshot()
    for number in range(1, 60):
        with failing_after_write(number) as done:
            response = ACTS[name](scim, ids)
        if response.status_code < 400:
            break
        assert response.status_code == 500, response.content
        assert snapshot() == before, f"left by a failure after write {number}: {done[-1][:80]}"
    # the least is a change of one attribute that no membership shows: the user's row and the log's
    assert number > 2, "no write was reached"
    assert response.status_code < 300
    assert RequestLog.objects.filter(status__lt=300, path__startswith="/").exists()
