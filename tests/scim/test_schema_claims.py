"""What Schemas says of each attribute is what the endpoint does with it (RFC 7643 §2.2, §7)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest

from scim.protocol import discovery
from scim.protocol.schemas import GATEHOUSE_GROUP, GROUP, USER
from tests.conftest import ScimClient
from tests.scim.bodies import patch_body
from tests.scim.test_endpoint import assert_scim_error

PUBLISHED = {document["id"]: document for document in discovery.schemas("https://gatehouse.example")}
VALUES = {"string": "Text Ab", "reference": "https://a.example/Ab", "binary": "QUJj", "boolean": True}
OTHERS = {"string": "Other", "reference": "https://b.example/", "binary": "REVG", "boolean": False}
WRONG = {"string": {"a": 1}, "reference": {"a": 1}, "binary": {"a": 1}, "boolean": "perhaps", "complex": 7}
ADDRESSES = {
    "userName": ("Nora@acme.example", "ola@acme.example"),
    "emails.value": ("Nora@acme.example", "o@acme.example"),
}


@dataclass(frozen=True)
class Claim:
    """One attribute as it is published: its schema, and what it is part of, if it is a sub-attribute."""

    urn: str
    says: dict[str, Any]
    whole: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        return f"{self.whole['name']}.{self.says['name']}" if self.whole else str(self.says["name"])

    @property
    def path(self) -> str:
        return f"{self.urn}:{self.name}"

    @property
    def endpoint(self) -> str:
        return "/Groups" if self.urn in (GROUP, GATEHOUSE_GROUP) else "/Users"

    @property
    def is_written(self) -> bool:
        """Say whether a client gives it, here or as part of a whole that it gives."""
        return all(one["mutability"] not in ("readOnly", "writeOnly") for one in (self.whole or self.says, self.says))

    def value(self, *, other: bool = False) -> Any:
        """Return a value of the whole attribute, in which the part that the claim is about may differ."""
        if self.whole is None:
            return listed(self.says, one_value(self.says, self.name, other=other))
        given = one_value(self.whole, str(self.whole["name"]))
        return listed(self.whole, given | {self.says["name"]: one_value(self.says, self.name, other=other)})

    def shown(self, resource: dict[str, Any]) -> Any:
        """Return what a resource shows of it: of a multi-valued attribute's part, that of the first value."""
        holder = resource if self.urn in (USER, GROUP) else resource.get(self.urn, {})
        if self.whole is None:
            return holder.get(self.says["name"])
        value = holder.get(self.whole["name"], {})
        first = (value or [{}])[0] if isinstance(value, list) else value
        return first.get(self.says["name"])


def listed(says: dict[str, Any], value: Any) -> Any:
    return [value] if says["multiValued"] else value


def one_value(says: dict[str, Any], name: str, *, other: bool = False) -> Any:
    if says["type"] == "complex":
        return {
            sub["name"]: one_value(sub, f"{name}.{sub['name']}", other=other)
            for sub in says["subAttributes"]
            if sub["mutability"] == "readWrite"
        }
    if name in ADDRESSES:
        return ADDRESSES[name][other]
    if says.get("canonicalValues"):
        return says["canonicalValues"][1 if other else 0]
    return (OTHERS if other else VALUES)[says["type"]]


def claims() -> Iterator[Claim]:
    for urn, document in PUBLISHED.items():
        for says in document["attributes"]:
            yield Claim(urn, says)
            yield from (Claim(urn, sub, says) for sub in says.get("subAttributes", ()))


CLAIMS = {f"{claim.urn.split(':')[-3]}-{claim.endpoint[1:]}-{claim.name}": claim for claim in claims()}
# what refers to other resources has values that exist: tests below, one by one
REFERRING = {"groups", "members"}
PLAIN = {key: claim for key, claim in CLAIMS.items() if claim.name.partition(".")[0] not in REFERRING}
WRITTEN = {key: claim for key, claim in PLAIN.items() if claim.is_written}
LEAVES = {key: claim for key, claim in WRITTEN.items() if claim.says["type"] != "complex"}


def every(which: dict[str, Claim]) -> Any:
    return pytest.mark.parametrize("claim", which.values(), ids=which.keys())


def body_with(claim: Claim, value: Any) -> dict[str, Any]:
    body = {"schemas": [USER], "userName": "x@acme.example", "emails": [{"value": "x@acme.example"}]}
    if claim.endpoint == "/Groups":
        body = {"schemas": [GROUP], "displayName": "Team"}
    name = (claim.whole or claim.says)["name"]
    return body | ({name: value} if claim.urn in (USER, GROUP) else {claim.urn: {name: value}})


def create(scim: ScimClient, claim: Claim, value: Any) -> dict[str, Any]:
    response = scim.post(claim.endpoint, body_with(claim, value))
    assert response.status_code == 201, response.content
    return dict(scim.get(f"{claim.endpoint}/{response.json()['id']}").json())


def test_schemas_of_the_endpoint_are_those_whose_claims_are_tried(scim: ScimClient) -> None:
    live = {one["id"]: one["attributes"] for one in scim.get("/Schemas").json()["Resources"]}
    assert live == {urn: document["attributes"] for urn, document in PUBLISHED.items()}


@every(WRITTEN)
def test_attribute_that_is_written_is_kept_and_returned_as_it_was_sent(scim: ScimClient, claim: Claim) -> None:
    sent = Claim(claim.urn, claim.says, claim.whole).shown({**body_with(claim, claim.value())})
    assert claim.shown(create(scim, claim, claim.value())) == sent
    assert claim.says["returned"] == "default"


@every(WRITTEN)
def test_attribute_returned_by_default_can_be_left_out_and_asked_for(scim: ScimClient, claim: Claim) -> None:
    made = create(scim, claim, claim.value())
    url = f"{claim.endpoint}/{made['id']}"
    assert claim.shown(scim.get(f"{url}?{urlencode({'excludedAttributes': claim.path})}").json()) is None
    assert claim.shown(scim.get(f"{url}?{urlencode({'attributes': claim.path})}").json()) == claim.shown(made)


@every(WRITTEN)
def test_attribute_that_is_read_write_is_replaced(scim: ScimClient, claim: Claim) -> None:
    made, other = create(scim, claim, claim.value()), claim.value(other=True)
    name = (claim.whole or claim.says)["name"]
    change = patch_body({"op": "replace", "path": f"{claim.urn}:{name}", "value": other})
    changed = scim.patch(f"{claim.endpoint}/{made['id']}", change)
    assert changed.status_code == 200, changed.content
    assert claim.says["mutability"] == "readWrite"
    assert claim.shown(changed.json()) == claim.shown(body_with(claim, other))


@every({key: claim for key, claim in LEAVES.items() if "caseExact" in claim.says})
def test_filter_finds_a_value_in_another_case_unless_the_attribute_is_case_exact(
    scim: ScimClient, claim: Claim
) -> None:
    value = claim.shown(create(scim, claim, claim.value()))
    for text, is_found in ((value, True), (value.swapcase(), not claim.says["caseExact"])):
        query = urlencode({"filter": f'{claim.path} eq "{text}"'})
        assert scim.get(f"{claim.endpoint}?{query}").json()["totalResults"] == is_found


# an address isn't unique among the values, but two users can't have one membership
UNIQUENESS = {
    key: claim for key, claim in LEAVES.items() if "uniqueness" in claim.says and not claim.name.startswith("emails.")
}


@every(UNIQUENESS)
def test_second_resource_with_the_value_is_refused_where_it_is_unique(scim: ScimClient, claim: Claim) -> None:
    first, second = body_with(claim, claim.value()), body_with(claim, claim.value())
    others = {"displayName": "Second"}
    if claim.endpoint == "/Users":
        others = {"userName": "y@acme.example", "emails": [{"value": "y@acme.example"}]}
    assert scim.post(claim.endpoint, first).status_code == 201
    response = scim.post(claim.endpoint, second | {name: it for name, it in others.items() if name != claim.name})
    if claim.says["uniqueness"] == "server":
        assert_scim_error(response, 409, "uniqueness")
    else:
        assert response.status_code == 201, response.content


@every({key: claim for key, claim in WRITTEN.items() if claim.whole is None})
def test_attribute_holds_several_values_only_where_it_is_multi_valued(scim: ScimClient, claim: Claim) -> None:
    if not claim.says["multiValued"]:
        assert not isinstance(claim.shown(create(scim, claim, claim.value())), list)
        return
    values = [*claim.value(), *claim.value(other=True)]
    assert len(claim.shown(create(scim, claim, values))) == 2


# one value stands for an object with it: clients send that
@every(LEAVES)
def test_value_of_another_type_is_refused(scim: ScimClient, claim: Claim) -> None:
    wrong: Any = WRONG[claim.says["type"]]
    if claim.whole is not None:
        wrong = {claim.says["name"]: wrong}
    value = [wrong] if (claim.whole or claim.says)["multiValued"] else wrong
    assert_scim_error(scim.post(claim.endpoint, body_with(claim, value)), 400, "invalidValue")


@every({key: claim for key, claim in PLAIN.items() if claim.whole is None})
def test_attribute_may_be_missing_unless_it_is_required(scim: ScimClient, claim: Claim) -> None:
    body = body_with(claim, None)
    if claim.name == "emails":
        # required of whoever has a userName that is no address
        body["userName"] = "nora"
    response = scim.post(claim.endpoint, body)
    assert response.status_code == (400 if claim.says["required"] else 201), response.content


def test_password_is_taken_and_never_returned(scim: ScimClient) -> None:
    claim = CLAIMS["core-Users-password"]
    made = create(scim, claim, "a long passphrase")
    assert (claim.says["mutability"], claim.says["returned"]) == ("writeOnly", "never")
    assert claim.shown(scim.get(f"/Users/{made['id']}?attributes=password").json()) is None


@every({key: claim for key, claim in CLAIMS.items() if claim.says["mutability"] == "readOnly"})
def test_read_only_attribute_is_ignored_when_it_is_sent(scim: ScimClient, claim: Claim) -> None:
    sent = {claim.says["name"]: "Text"} if claim.whole else [{"value": "Text"}]
    value = [sent] if claim.whole is not None and claim.whole["multiValued"] else sent
    assert claim.shown(create(scim, claim, value)) is None


def test_references_between_users_and_groups_are_as_published(scim: ScimClient) -> None:
    user = scim.post("/Users", body_with(CLAIMS["core-Users-title"], "T")).json()
    group = scim.post("/Groups", body_with(CLAIMS["core-Groups-members"], [{"value": user["id"]}])).json()
    shown = {"groups": scim.get(f"/Users/{user['id']}").json(), "members": scim.get(f"/Groups/{group['id']}").json()}
    for claim in (one for one in CLAIMS.values() if one.name in REFERRING):
        subs = {sub["name"] for sub in claim.says["subAttributes"]}
        [value] = claim.shown(shown[claim.name])
        assert set(value) == subs
        assert all(
            value["type"] in sub["canonicalValues"] for sub in claim.says["subAttributes"] if sub["name"] == "type"
        )
