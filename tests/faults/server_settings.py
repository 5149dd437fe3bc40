"""The settings of development for a web server that tests start, with what they make it do."""

import os
import time
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from portal.settings.dev import *  # noqa: F403

VAR_DIR = Path(os.environ["GATEHOUSE_VAR_DIR"])
VAR_DIR.mkdir(parents=True, exist_ok=True)
# as on a machine that is busy, or slow
time.sleep(float(os.environ.get("GATEHOUSE_START_SECONDS", "0")))
if (VAR_DIR / "broken").exists():
    raise ImproperlyConfigured("BROKEN is set: unset it.")
