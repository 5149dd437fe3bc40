"""The demo's settings, with everything that it writes in a folder of the test."""

import os
from pathlib import Path

from portal.settings.dev import *  # noqa: F403

VAR_DIR = Path(os.environ["SANDBOX_VAR"])
EMAIL_FILE_PATH = VAR_DIR / "mail"
DNS_TABLE = VAR_DIR / "dns.json"
