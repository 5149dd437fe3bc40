"""The organization's audit log: who did what, found by person, act, time and text; and as a file."""

import json
from datetime import timedelta

import pytest

from orgs.audit import queries
from orgs.audit.models import AuditEvent
from orgs.audit.services import AuditTarget, Change, record
from orgs.audit.types import AuditFilter
from orgs.base.actor import Actor, ActorKind
from orgs.base.clock import now

LOG = "/orgs/acme/settings/audit/"
OLGA = Actor(ActorKind.PERSON, reference="r", label="olga@acme.example", ip="198.51.100.7")
TOKEN = Actor(ActorKind.SCIM, label="SCIM token JumpCloud")


@pytest.fixture
def admin(adam, sign_in):
    client = sign_in(adam)
    AuditEvent.objects.filter(org=adam.org).delete()
    return client


@pytest.fixture
def act(acme):
    def write(action="group.created", label="Engineering", actor=OLGA, target_id="7", **change):
        target = AuditTarget(action.partition(".")[0], target_id, label)
        return record(org=acme, actor=actor, action=action, target=target, change=Change(**change))

    return write


def text_of(response):
    return " ".join(response.content.decode().split())


def test_audit_page_shows_actor_action_target_address_and_change(admin, act):
    act("group.renamed", "Design", before={"name": "Dezign"}, after={"name": "Design"})
    page = text_of(admin.get(LOG))
    for shown in ("olga@acme.example", "group.renamed", "Design", "198.51.100.7", "name: Dezign", "A person"):
        assert shown in page


def test_audit_page_shows_newest_act_first(admin, act):
    act(label="Earlier one")
    act(label="Later one")
    page = text_of(admin.get(LOG))
    assert page.index("Later one") < page.index("Earlier one")


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ({}, ["group", "group2", "member", "scim"]),
        ({"actor": "scim"}, ["scim"]),
        ({"action": "group"}, ["group", "group2"]),
        ({"action": "group.renamed"}, ["group2"]),
        ({"text": "SCIM TOKEN jump"}, ["scim"]),
        ({"text": "suspend"}, ["member"]),
        ({"text": "EMBERSHIP.S"}, ["member"]),
        ({"text": " id-9 "}, ["group2"]),
        ({"text": "id-"}, []),
        ({"since": now() + timedelta(hours=1)}, []),
        ({"until": now() - timedelta(hours=1)}, []),
    ],
)
def test_audit_filters_select_the_matching_acts(admin, acme, act, shown, expected):
    act("group.created", "group")
    act("group.renamed", "group2", target_id="id-9")
    act("membership.suspended", "member")
    act("membership.created", "scim", actor=TOKEN)
    found = queries.list_events(acme, AuditFilter(**shown))
    assert sorted(event.target_label for event in found) == expected


def test_audit_search_finds_acts_by_request_id(acme, act):
    AuditEvent.objects.filter(pk=act().pk).update(request_id="req-1")
    assert queries.list_events(acme, AuditFilter("req-1")).count() == 1


def test_audit_page_offers_the_act_by_which_it_is_filtered(admin, act):
    act("group.renamed")
    assert '<option value="group.renamed" selected>' in text_of(admin.get(f"{LOG}?action=group.renamed"))


def test_audit_page_says_when_no_change_matches(admin, act):
    act()
    assert "No change matches" in text_of(admin.get(f"{LOG}?q=nobody"))


@pytest.mark.parametrize(
    "query", ["q=%00", "action=%27", "actor=x&older=y", "since=x&until=9999-12-31", "newer=%C3%A9"]
)
def test_audit_page_returns_200_for_malformed_filters(admin, act, query):
    act()
    assert admin.get(f"{LOG}?{query}").status_code == 200


def test_audit_page_escapes_names(admin, act):
    act(label="<script>alert(1)</script>", after={"name": "<svg onload=x>"})
    page = text_of(admin.get(LOG))
    assert "<script>alert" not in page
    assert "<svg onload" not in page


def test_audit_page_does_not_show_another_organizations_acts(admin, act, globex):
    act(label="ours")
    assert "greta@globex.example" not in text_of(admin.get(LOG))
    assert not queries.list_events(globex, AuditFilter("ours")).exists()


@pytest.mark.parametrize("count", [1, 60])
def test_audit_page_takes_the_same_number_of_statements_for_one_act_as_for_sixty(
    admin, act, count, django_assert_max_num_queries
):
    for _ in range(count):
        act()
    with django_assert_max_num_queries(5):
        admin.get(LOG)


def test_audit_page_of_an_unknown_kind_of_actor_is_shown(admin, act):
    AuditEvent.objects.filter(pk=act().pk).update(actor_kind="robot")
    assert admin.get(LOG).status_code == 200


def test_json_export_of_the_audit_log_has_changes_as_objects(admin, act):
    act("group.renamed", before={"name": "a"}, after={"name": "b"})
    act("group.created")
    answer = admin.get(f"{LOG}export.json?action=group.renamed")
    [row] = json.loads(b"".join(answer))
    assert (row["action"], row["before"], row["after"]) == ("group.renamed", {"name": "a"}, {"name": "b"})
    assert answer["Content-Disposition"] == 'attachment; filename="audit-log-acme.json"'


def test_csv_export_of_the_audit_log_has_a_line_for_each_act(admin, act):
    act(label="=cmd")
    lines = b"".join(admin.get(f"{LOG}export.csv")).decode().splitlines()
    assert lines[0].startswith('"at","actor_kind","actor_label"')
    assert len(lines) == 2
    assert '"\'=cmd"' in lines[1]
