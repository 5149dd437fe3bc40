"""A SCIM server of a hundred lines, held in memory: enough to let a sequence pass, and to break it in one place."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from orgs.providers.checks import ERROR_SCHEMA, LIST_SCHEMA
from orgs.providers.steps import StepRequest, StepResponse

HEADERS = {"content-type": "application/scim+json"}
Resource = dict[str, Any]


@dataclass
class SmallDirectory:
    """Answers calls; `broken` may give an answer of its own in place of the right one."""

    broken: Callable[[StepRequest], StepResponse | None] = lambda call: None
    stored: dict[str, Resource] = field(default_factory=dict)
    calls: list[StepRequest] = field(default_factory=list)
    created: int = 0

    def __call__(self, call: StepRequest) -> StepResponse:
        self.calls.append(call)
        return self.broken(call) or self.answer(call)

    def answer(self, call: StepRequest) -> StepResponse:
        path, _, query = call.target.partition("?")
        kind, *rest = [segment for segment in path.split("/") if segment]
        if call.method == "POST":
            return self.create(kind, dict(call.body or {}))
        if not rest:
            return self.listed(kind, parse_qs(query).get("filter", [""])[0])
        if rest[0] not in self.stored:
            return failure(404)
        if call.method == "DELETE":
            del self.stored[rest[0]]
            return StepResponse(204)
        return self.changed(self.stored[rest[0]], call)

    def create(self, kind: str, body: Resource) -> StepResponse:
        name = "userName" if kind == "Users" else "displayName"
        if any(other.get(name) == body[name] for other in self.stored.values()):
            return failure(409)
        self.created += 1
        identity = {"id": f"id-{self.created}", "meta": {"location": "there"}}
        self.stored[identity["id"]] = {**body, **identity}
        return StepResponse(201, self.stored[identity["id"]], headers={**HEADERS, "location": "there"})

    def listed(self, kind: str, expression: str) -> StepResponse:
        name = "userName" if kind == "Users" else "displayName"
        wanted = re.fullmatch(rf'{name} eq "(.*)"', expression)
        found = [
            r
            for r in self.stored.values()
            if r.get(name, "") and (not wanted or r[name].casefold() == wanted[1].casefold())
        ]
        found = found if kind == "Groups" else [r for r in found if "userName" in r]
        body = {"schemas": [LIST_SCHEMA], "totalResults": len(found), "Resources": found}
        return StepResponse(200, body, headers=HEADERS)

    def changed(self, resource: Resource, call: StepRequest) -> StepResponse:
        if call.method == "PUT":
            resource |= {name: value for name, value in (call.body or {}).items() if value is not None}
        if call.method == "PATCH":
            for operation in (call.body or {})["Operations"]:  # type: ignore[union-attr, call-overload, index]
                patch(resource, operation)
        return StepResponse(200, resource, headers=HEADERS)


def patch(resource: Resource, operation: Resource) -> None:
    path, value = operation.get("path", ""), operation.get("value")
    if not path:
        resource |= value or {}
    elif path == "name.givenName":
        resource["name"] = {**resource["name"], "givenName": value}
    elif not path.startswith("members") or operation["op"] == "replace":
        resource[path] = value
    elif operation["op"] == "add":
        resource["members"] = [*resource.get("members", []), *(value or [])]
    else:
        named = {member["value"] for member in value or []} | set(re.findall(r'value eq "(.*)"', path))
        kept = [member for member in resource["members"] if named and member["value"] not in named]
        resource["members"] = kept


def failure(status: int) -> StepResponse:
    return StepResponse(status, {"schemas": [ERROR_SCHEMA], "status": str(status)}, headers=HEADERS)
