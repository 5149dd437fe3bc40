"""What the portal keeps in files is for its own user alone."""

import pytest

from portal.private_files import make_private
from tests.architecture.source import ROOT
from tests.portal.test_settings import shown


def mode(path) -> int:
    return path.stat().st_mode & 0o777


def test_make_private_creates_a_folder_with_mode_700(tmp_path):
    make_private(tmp_path / "var")
    assert mode(tmp_path / "var") == 0o700


def test_make_private_restricts_an_existing_folder_and_its_content_to_the_owner(tmp_path):
    (tmp_path / "mail").mkdir(mode=0o755)
    (tmp_path / "gatehouse.sqlite3").touch(mode=0o644)
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    tmp_path.chmod(0o755)
    make_private(tmp_path)
    assert [mode(tmp_path), mode(tmp_path / "mail"), mode(tmp_path / "gatehouse.sqlite3")] == [0o700, 0o700, 0o600]


def test_make_private_keeps_a_stricter_mode(tmp_path):
    (tmp_path / "key").touch(mode=0o400)
    make_private(tmp_path)
    assert mode(tmp_path / "key") == 0o400


def test_make_private_ignores_a_permission_error(tmp_path, monkeypatch):
    def refuse(*args):
        raise PermissionError

    tmp_path.chmod(0o755)
    monkeypatch.setattr(type(tmp_path), "chmod", refuse)
    make_private(tmp_path)
    assert mode(tmp_path) == 0o755


@pytest.mark.parametrize("module", ["dev", "test"])
def test_settings_module_restricts_the_var_folder_to_the_owner(module):
    (ROOT / "var").chmod(0o755)
    shown(module, "DEBUG")
    assert mode(ROOT / "var") == 0o700
