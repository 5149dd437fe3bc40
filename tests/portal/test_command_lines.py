"""manage.py as an operator runs it: what goes wrong is one line on standard error. Each process has a database of its own."""

import os
import subprocess
import sys

import pytest

from tests.portal.test_commands import PASSWORD_READERS

NO_UTF_8 = b"caf\xe9-au-lait-42\n"


def manage(database: str, *arguments: str, typed: bytes = b"", encoding: str = "utf-8") -> subprocess.CompletedProcess:
    """Run manage.py as an operator does."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "portal.settings.test",
        "DATABASE_URL": f"sqlite:///{database}",
        "PYTHONIOENCODING": encoding,
    }
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, env=environment, input=typed, capture_output=True, timeout=60)


@pytest.mark.parametrize("encoding", ["utf-8:strict", "ascii:surrogateescape"])
@pytest.mark.parametrize("command", PASSWORD_READERS)
def test_command_prints_one_line_when_the_password_is_not_utf_8(tmp_path, command, encoding):
    done = manage(f"{tmp_path}/empty.sqlite3", *command, "--password-stdin", typed=NO_UTF_8, encoding=encoding)
    assert (done.returncode, done.stderr) == (1, b"CommandError: The password on standard input isn't UTF-8.\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("create_org", "Acme", "--slug=acme", "--owner=olga@acme.example"), "Has `manage.py migrate` run?"),
        (("create_org", "Acme"), "required: --slug, --owner"),
        (("add_domain", "acme"), "required: domain"),
        (("simulate_jumpcloud", "--base-url=http://x", "--token=x"), "required: --test-email"),
        (("simulate_jumpcloud", "--base-url=http://x", "--test-email=a@b.example", "--people=many"), "'many'"),
        (("doctor",), "cache: "),
    ],
)
def test_command_prints_one_line_on_stderr_for_bad_input_or_a_missing_database(tmp_path, arguments, sentence):
    done = manage(str(tmp_path / "empty.sqlite3"), *arguments)
    assert done.returncode != 0
    assert len(done.stderr.strip().splitlines()) == 1
    assert sentence in done.stderr.decode()
