"""The settings of development, with everything that is written in a folder of the test."""

import os
from pathlib import Path

from portal.settings.dev import *  # noqa: F403

VAR_DIR = Path(os.environ["GATEHOUSE_VAR_DIR"])
VAR_DIR.mkdir(parents=True, exist_ok=True)
