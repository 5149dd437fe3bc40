"""The demo's settings, with everything that it writes in a folder of the test."""

import os
from pathlib import Path

from portal.settings.address import adopt

VAR_DIR = Path(os.environ["SANDBOX_VAR"])
adopt(VAR_DIR)
from portal.settings.dev import *  # noqa: E402, F403 - as the development settings do, with their own folder

VAR_DIR = Path(os.environ["SANDBOX_VAR"])
EMAIL_FILE_PATH = VAR_DIR / "mail"
TEST_IDP_FOLDER = VAR_DIR / "idp"
