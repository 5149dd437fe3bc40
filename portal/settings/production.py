"""Refuses to start without its own secrets, or with anything of the sandbox."""

from django.core.exceptions import ImproperlyConfigured

from portal.env import env
from portal.settings.base import *
from portal.settings.logs import configure

SECRET_KEY = env.str("SECRET_KEY", default="")
FIELD_KEYS = env.list("FIELD_KEYS", default=[])
for name, value in (
    ("SECRET_KEY", SECRET_KEY),
    ("FIELD_KEYS", FIELD_KEYS),
    ("EMAIL_URL", env.str("EMAIL_URL", default="")),
):
    if not value:
        raise ImproperlyConfigured(f"{name} is not set: production has no default for it. See .env.example.")
if "only-key-that-production-refuses" in SECRET_KEY or len(SECRET_KEY) < 50:
    raise ImproperlyConfigured("SECRET_KEY must be your own, of 50 characters or more.")
if env.bool("DEBUG", default=False):
    raise ImproperlyConfigured("DEBUG can't be on in production.")
if not env.str("PUBLIC_BASE_URL", default=""):
    raise ImproperlyConfigured("PUBLIC_BASE_URL is not set: published URLs are built from it.")
globals().update(env.email_url("EMAIL_URL"))
WHITENOISE_USE_FINDERS = False
SECURE_SSL_REDIRECT = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
LOGGING = configure(LOG_LEVEL, as_json=True)
