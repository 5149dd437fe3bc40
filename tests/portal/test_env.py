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
def test_each_variable_can_be_given_as_a_file(name, monkeypatch, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("from the file\n")
    monkeypatch.setenv(f"{name}_FILE", str(secret))
    env.read_secret_files()
    assert os.environ[name] == "from the file"


def test_the_variable_wins_over_its_file(monkeypatch, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("from the file")
    monkeypatch.setenv("SECRET_KEY", "given")
    monkeypatch.setenv("SECRET_KEY_FILE", str(secret))
    env.read_secret_files()
    assert os.environ["SECRET_KEY"] == "given"


def test_a_file_that_is_not_there_is_named_with_its_variable(monkeypatch, tmp_path):
    monkeypatch.setenv("FIELD_KEYS_FILE", str(tmp_path / "nowhere"))
    with pytest.raises(RuntimeError, match=r"^FIELD_KEYS_FILE names a file that can't be read: .*nowhere"):
        env.read_secret_files()


def test_without_files_nothing_is_set():
    env.read_secret_files()
    assert os.environ.keys().isdisjoint(env.NAMES)
