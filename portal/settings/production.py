"""Refuses to start without its own secrets, or with anything of the sandbox."""

import os

from portal.configuration import require_valid

# before the base's own check, so that all faults are told together
require_valid(production=True)

from portal.env import env  # noqa: E402
from portal.private_files import make_private  # noqa: E402
from portal.settings.base import *  # noqa: E402
from portal.settings.logs import configure  # noqa: E402

SECRET_KEY = env.str("SECRET_KEY")
FIELD_KEYS = env.list("FIELD_KEYS")
globals().update(env.email_url("EMAIL_URL"))
# SQLite's file and the scheduler's are in it; a read-only checkout has PostgreSQL, and its scheduler elsewhere
if os.access(BASE_DIR, os.W_OK):
    make_private(VAR_DIR)
WHITENOISE_USE_FINDERS = False
SECURE_SSL_REDIRECT = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
LOGGING = configure(LOG_LEVEL, as_json=True)
