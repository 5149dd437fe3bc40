"""The test IdP's SQLite file: what is saved is read, also when several processes write at once."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from orgs.base.resolver import DnsProblem, TxtAnswer
from sandbox.dns import lookup_txt
from sandbox.test_idp.errors import AppUnknown, StateUnreadable
from sandbox.test_idp.keys import ensure_keys
from sandbox.test_idp.records import TxtRecord, load_records, publish, withdraw
from sandbox.test_idp.state import (
    delete_app,
    find_app,
    load_apps,
    load_people,
    load_sent,
    save_app,
    save_people,
    save_sent,
)
from sandbox.test_idp.store import FILE, writing
from sandbox.test_idp.types import PRESETS, App, Delivery, IdpPerson, NameIdSource, Signs, Style
from tests.architecture.source import ROOT

ACME = App("acme", "Acme", "acme-idp", "sp", "http://a.example/acs", signs=Signs.BOTH)
OTHER = App(
    "x",
    "X",
    "i",
    "s",
    "http://a.example",
    NameIdSource.CUSTOM,
    "me",
    style=Style.ENTRA,
    declares_redirect=False,
    attributes=(),
)
MARA = IdpPerson("mara@northwind.example", "Mara", "Lindgren", "mara", ("Staff", "Engineering"))
PRINT_CERTIFICATE = """
import sys
from pathlib import Path
from sandbox.test_idp.keys import ensure_keys
print(ensure_keys(Path(sys.argv[1])).signing.certificate)
"""


@pytest.mark.parametrize("app", [ACME, OTHER, replace(ACME, style=Style.OKTA, attributes=PRESETS[Style.OKTA])])
def test_saved_app_is_read_back_unchanged(tmp_path, app):
    save_app(tmp_path, app)
    assert find_app(tmp_path, app.id) == app


def test_save_app_again_replaces_the_app_and_its_attributes(tmp_path):
    save_app(tmp_path, ACME)
    save_app(tmp_path, replace(ACME, label="Acme 2", attributes=ACME.attributes[:1]))
    assert load_apps(tmp_path) == (replace(ACME, label="Acme 2", attributes=ACME.attributes[:1]),)


def test_load_apps_orders_apps_by_label(tmp_path):
    for app in (OTHER, ACME, replace(ACME, id="b", label="b")):
        save_app(tmp_path, app)
    assert [app.label for app in load_apps(tmp_path)] == ["Acme", "b", "X"]


def test_find_app_raises_app_unknown_for_an_unknown_id(tmp_path):
    with pytest.raises(AppUnknown):
        find_app(tmp_path, "acme")


def test_save_people_replaces_all_people(tmp_path):
    save_people(tmp_path, [IdpPerson("former@x.example", groups=("Former",)), MARA])
    save_people(tmp_path, [MARA, IdpPerson("a@x.example")])
    assert load_people(tmp_path) == (MARA, IdpPerson("a@x.example"))


@pytest.mark.parametrize("relay_state", [None, "", "/home"])
def test_load_sent_returns_the_last_saved_response(tmp_path, relay_state):
    save_app(tmp_path, ACME)
    save_sent(tmp_path, "acme", Delivery("Zmlyc3Q="))
    save_sent(tmp_path, "acme", Delivery("c2Vjb25k", relay_state))
    assert load_sent(tmp_path, "acme") == Delivery("c2Vjb25k", relay_state)


def test_save_app_keeps_the_last_response(tmp_path):
    save_app(tmp_path, ACME)
    save_sent(tmp_path, "acme", Delivery("Zmlyc3Q="))
    save_app(tmp_path, ACME)
    assert load_sent(tmp_path, "acme") == Delivery("Zmlyc3Q=")


def test_delete_app_deletes_the_last_response(tmp_path):
    save_app(tmp_path, ACME)
    save_sent(tmp_path, "acme", Delivery("Zmlyc3Q="))
    delete_app(tmp_path, "acme")
    save_app(tmp_path, ACME)
    assert load_sent(tmp_path, "acme") is None


def test_save_sent_stores_nothing_for_an_app_that_does_not_exist(tmp_path):
    save_sent(tmp_path, "acme", Delivery("Zmlyc3Q="))
    save_app(tmp_path, ACME)
    assert load_sent(tmp_path, "acme") is None


def test_state_file_is_readable_by_its_owner_only(tmp_path):
    ensure_keys(tmp_path)
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0


def test_failed_write_is_rolled_back_and_raises_state_unreadable(tmp_path):
    publish(tmp_path, TxtRecord("a.example", "one"))
    rows = [("b.example", "new"), ("a.example", "one")]
    with pytest.raises(StateUnreadable, match="UNIQUE"), writing(tmp_path) as db:
        db.executemany("INSERT INTO txt_record (name, value) VALUES (?, ?)", rows)
    assert load_records(tmp_path) == (TxtRecord("a.example", "one"),)


def test_load_apps_raises_state_unreadable_when_the_file_cannot_be_opened(tmp_path):
    (tmp_path / FILE).mkdir()
    with pytest.raises(StateUnreadable, match=FILE):
        load_apps(tmp_path)


def test_concurrent_writes_to_a_new_file_are_all_kept(tmp_path):
    apps = [replace(ACME, id=f"app-{number:02}", label=f"{number:02}") for number in range(24)]
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(lambda app: save_app(tmp_path, app), apps))
    assert load_apps(tmp_path) == tuple(apps)


def test_concurrent_processes_create_the_same_keys_once(tmp_path):
    command = [sys.executable, "-c", PRINT_CERTIFICATE, str(tmp_path)]
    started = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    certificates = {process.communicate(timeout=120)[0] for process in started}
    assert certificates == {f"{ensure_keys(tmp_path).signing.certificate}\n"}


@pytest.fixture
def folder(tmp_path: Path, settings) -> Path:
    settings.TEST_IDP_FOLDER = tmp_path
    return tmp_path


def test_lookup_txt_finds_published_records_of_a_name_in_any_case(folder):
    for value in ("one", "two", "one"):
        publish(folder, TxtRecord("_gatehouse.acme.example", value))
    assert lookup_txt("_gatehouse.ACME.example.") == TxtAnswer(("one", "two"))


def test_lookup_txt_gives_no_such_name_once_the_records_are_withdrawn(folder):
    publish(folder, TxtRecord("a.example", "one"))
    withdraw(folder, TxtRecord("a.example", "one"))
    assert lookup_txt("a.example") == TxtAnswer(problem=DnsProblem.NO_SUCH_NAME)


def test_lookup_txt_gives_server_failure_for_a_damaged_state_file(folder):
    (folder / FILE).write_bytes(b"no database")
    assert lookup_txt("a.example") == TxtAnswer(problem=DnsProblem.SERVER_FAILURE)
