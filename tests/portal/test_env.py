"""Variables may come from files, as container platforms give secrets."""

import os

import pytest

from portal import env


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    # a variable that is set and then deleted is restored, also when the code under test sets it
    for name in env.NAMES:
        for given in (name, f"{name}_FILE"):
            monkeypatch.setenv(given, "")
            monkeypatch.delenv(given)


@pytest.mark.parametrize("name", env.NAMES)
def test_read_secret_files_sets_each_variable_from_its_file(name, monkeypatch, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("from the file\n")
    monkeypatch.setenv(f"{name}_FILE", str(secret))
    env.read_secret_files()
    assert os.environ[name] == "from the file"


def test_read_secret_files_keeps_a_variable_that_is_set(monkeypatch, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("from the file")
    monkeypatch.setenv("SECRET_KEY", "given")
    monkeypatch.setenv("SECRET_KEY_FILE", str(secret))
    env.read_secret_files()
    assert os.environ["SECRET_KEY"] == "given"


def test_read_secret_files_fills_an_empty_variable_from_its_file(monkeypatch, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("from the file")
    monkeypatch.setenv("SECRET_KEY", " ")
    monkeypatch.setenv("SECRET_KEY_FILE", str(secret))
    env.read_secret_files()
    assert os.environ["SECRET_KEY"] == "from the file"


@pytest.mark.parametrize("name", env.NAMES)
def test_read_secret_files_removes_an_empty_variable(name, monkeypatch):
    monkeypatch.setenv(name, "")
    env.read_secret_files()
    assert name not in os.environ


def test_read_secret_files_sets_nothing_from_an_empty_file(monkeypatch, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("\n")
    monkeypatch.setenv("SECRET_KEY_FILE", str(secret))
    assert env.read_secret_files() == {}
    assert "SECRET_KEY" not in os.environ


def test_read_secret_files_names_the_variable_of_a_missing_file(monkeypatch, tmp_path):
    monkeypatch.setenv("FIELD_KEYS_FILE", str(tmp_path / "nowhere"))
    faults = env.read_secret_files()
    assert faults["FIELD_KEYS"].startswith("FIELD_KEYS_FILE names a file that can't be read: ")


def test_read_secret_files_names_a_file_that_is_not_text(monkeypatch, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"\xff\xfe")
    monkeypatch.setenv("FIELD_KEYS_FILE", str(secret))
    assert env.read_secret_files()["FIELD_KEYS"].endswith("(it isn't UTF-8 text)")


def test_read_secret_files_sets_nothing_without_files():
    env.read_secret_files()
    assert os.environ.keys().isdisjoint(env.NAMES)
