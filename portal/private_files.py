"""Folders that hold the database, mail and keys: nobody but their owner reads them."""

from contextlib import suppress
from pathlib import Path

FOLDER_MODE = 0o700
FILE_MODE = 0o600


def make_private(folder: Path) -> None:
    """Make the folder for its owner alone; also narrow one that is there, and what lies directly in it.

    What belongs to somebody else, or vanishes meanwhile, stays as it is.
    """
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    _narrow(folder, FOLDER_MODE)
    for path in folder.iterdir():
        if not path.is_symlink():
            _narrow(path, FOLDER_MODE if path.is_dir() else FILE_MODE)


def _narrow(path: Path, mode: int) -> None:
    with suppress(OSError):
        if path.stat().st_mode & 0o777 & ~mode:
            path.chmod(mode)
