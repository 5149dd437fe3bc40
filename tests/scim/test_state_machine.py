"""Users and groups against a model of them: after every step the endpoint has what the model has, and versions as they moved."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from scim.directories.queries import first_directory
from tests.conftest import ScimClient, undone
from tests.factories import OrganizationFactory, TokenFactory
from tests.scim.bodies import group_body, patch_body, user_body

NAMES = st.sampled_from(["nora", "uma", "zoë", "Straße", "strasse"])
GROUP_NAMES = st.sampled_from(["Team 1", "Team ①", "TEAM 1", "Board"])
TITLES = st.sampled_from(["Dr", "Ms", ""])
# userNames are free text; an address is one that mail reaches
ADDRESSES = {"nora": "nora", "uma": "uma", "zoë": "zoe", "Straße": "eszett", "strasse": "strasse"}


def body_of(name: str, **changes: Any) -> dict[str, Any]:
    return user_body(f"{ADDRESSES[name]}@acme.example", userName=name, **changes)


class Directory(RuleBasedStateMachine):
    """One directory of one organization; ids are those that the endpoint gave."""

    users: Bundle[str] = Bundle("users")
    groups: Bundle[str] = Bundle("groups")

    def __init__(self) -> None:
        super().__init__()
        self.undo = undone()
        self.undo.__enter__()
        self.people: dict[str, dict[str, Any]] = {}
        self.teams: dict[str, tuple[str, set[str]]] = {}
        self.versions: dict[str, str] = {}

    def teardown(self) -> None:
        self.undo.__exit__(None, None, None)

    @initialize()
    def make_directory(self) -> None:
        from django.test import Client

        directory = first_directory(OrganizationFactory())
        token = TokenFactory(directory=directory).plain
        assert token is not None
        self.scim = ScimClient(directory, token, Client())

    def send(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        answer = self.scim(method, path, body)
        assert answer.status_code < 500, answer.content
        return answer.status_code, json.loads(answer.content or b"{}")

    def is_address_taken(self, name: str, besides: str = "") -> bool:
        return any(one["name"] == name for key, one in self.people.items() if key != besides)

    def is_group_taken(self, name: str, besides: str = "") -> bool:
        return any(one.lower() == name.lower() for key, (one, _) in self.teams.items() if key != besides)

    @rule(target=users, name=NAMES, active=st.booleans())
    def create_user(self, name: str, active: bool) -> Any:
        status, made = self.send("POST", "/Users", body_of(name, active=active))
        if self.is_address_taken(name):
            assert status == 409, made
            return multiple()
        assert status == 201, made
        self.people[made["id"]] = {"name": name, "active": active, "title": ""}
        self.versions[made["id"]] = made["meta"]["version"]
        return made["id"]

    @rule(user=users, title=TITLES, active=st.booleans())
    def patch_user(self, user: str, title: str, active: bool) -> None:
        operations = [
            {"op": "Replace", "path": "title", "value": title},
            {"op": "Replace", "path": "active", "value": str(active)},
        ]
        status, changed = self.send("PATCH", f"/Users/{user}", patch_body(*operations))
        assert status == 200, changed
        self.note_version(changed, self.people[user] | {"title": title, "active": active} != self.people[user])
        self.people[user] |= {"title": title, "active": active}

    @rule(user=users, title=TITLES)
    def replace_user(self, user: str, title: str) -> None:
        known = self.people[user]
        body = body_of(known["name"], title=title)
        del body["active"]
        status, changed = self.send("PUT", f"/Users/{user}", body)
        assert status == 200, changed
        self.note_version(changed, title != known["title"])
        known["title"] = title

    @rule(user=consumes(users))
    def delete_user(self, user: str) -> None:
        assert self.send("DELETE", f"/Users/{user}")[0] == 204
        assert self.send("GET", f"/Users/{user}")[0] == 404
        del self.people[user]
        for _, members in self.teams.values():
            members.discard(user)

    @rule(target=groups, name=GROUP_NAMES)
    def create_group(self, name: str) -> Any:
        status, made = self.send("POST", "/Groups", group_body(name))
        if self.is_group_taken(name):
            assert status == 409, made
            return multiple()
        assert status == 201, made
        self.teams[made["id"]] = (name, set())
        self.versions[made["id"]] = made["meta"]["version"]
        return made["id"]

    @rule(group=groups, user=users, verb=st.sampled_from(["add", "Remove", "replace", "filter"]))
    def change_members(self, group: str, user: str, verb: str) -> None:
        by_filter = {"op": "remove", "path": f'members[value eq "{user}" and type eq "User"]'}
        by_value = {"op": verb, "path": "members", "value": [{"value": user}]}
        status, changed = self.send(
            "PATCH", f"/Groups/{group}", patch_body(by_filter if verb == "filter" else by_value)
        )
        assert status == 200, changed
        name, before = self.teams[group]
        after = {"add": before | {user}, "replace": {user}}.get(verb, before - {user})
        self.note_version(changed, after != before)
        self.teams[group] = (name, after)

    @rule(group=groups, name=GROUP_NAMES)
    def rename_group(self, group: str, name: str) -> None:
        status, changed = self.send(
            "PATCH", f"/Groups/{group}", patch_body({"op": "replace", "value": {"displayName": name}})
        )
        before, members = self.teams[group]
        if self.is_group_taken(name, besides=group):
            assert status == 409, changed
            return
        assert status == 200, changed
        self.note_version(changed, name != before)
        self.teams[group] = (name, members)

    @rule(group=groups)
    def misspell_a_path(self, group: str) -> None:
        status, answer = self.send(
            "PATCH", f"/Groups/{group}", patch_body({"op": "add", "path": "memebers", "value": "x"})
        )
        assert (status, answer["scimType"]) == (400, "invalidPath")

    @rule(group=consumes(groups))
    def delete_group(self, group: str) -> None:
        assert self.send("DELETE", f"/Groups/{group}")[0] == 204
        del self.teams[group]

    def note_version(self, shown: dict[str, Any], has_changed: bool) -> None:
        """Hold that the version moves when something has changed, and only then."""
        assert (shown["meta"]["version"] != self.versions[shown["id"]]) == has_changed, shown
        self.versions[shown["id"]] = shown["meta"]["version"]

    @invariant()
    def endpoint_has_what_the_model_has(self) -> None:
        _, page = self.send("GET", "/Users?count=100")
        users = {one["id"]: (one["userName"], one["active"], one.get("title", "")) for one in page.get("Resources", [])}
        assert users == {key: (one["name"], one["active"], one["title"]) for key, one in self.people.items()}
        _, page = self.send("GET", "/Groups?count=100")
        groups = {
            one["id"]: (one["displayName"], {member["value"] for member in one.get("members", [])})
            for one in page.get("Resources", [])
        }
        assert groups == self.teams


@pytest.mark.django_db
def test_endpoint_agrees_with_a_model_after_every_step() -> None:
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    # shrinking an example would send it hundreds of times: it is small already
    some = settings(
        phases=[Phase.generate], max_examples=3, stateful_step_count=8, deadline=None, suppress_health_check=checks
    )
    run_state_machine_as_test(Directory, settings=some)  # type: ignore[no-untyped-call]
