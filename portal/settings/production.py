"""Refuses to start without its own secrets, or with anything of the sandbox."""

import base64
import os
import re

from cryptography.fernet import Fernet, MultiFernet
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
try:
    MultiFernet([Fernet(key) for key in FIELD_KEYS])
except ValueError as error:
    raise ImproperlyConfigured("Each of FIELD_KEYS must be 32 random bytes in base64url.") from error
if any(b"only-field-key" in base64.urlsafe_b64decode(key) for key in FIELD_KEYS):
    raise ImproperlyConfigured("FIELD_KEYS must be your own: these are published with the source.")
if env.bool("DEBUG", default=False):
    raise ImproperlyConfigured("DEBUG can't be on in production.")
if OUTBOUND_ALLOWS_LOOPBACK or env.bool("OUTBOUND_ALLOWS_LOOPBACK", default=False):
    raise ImproperlyConfigured("OUTBOUND_ALLOWS_LOOPBACK can't be on in production: it opens this machine to URLs.")
if DNS_TABLE or env.str("DNS_TABLE", default=""):
    raise ImproperlyConfigured("DNS_TABLE can't be set in production: domains are proved by the real DNS.")
if not env.str("PUBLIC_BASE_URL", default=""):
    raise ImproperlyConfigured("PUBLIC_BASE_URL is not set: published URLs are built from it.")
if not re.fullmatch(r"https?://[^/?#]+", PUBLIC_BASE_URL):
    raise ImproperlyConfigured("PUBLIC_BASE_URL must be an origin such as https://gatehouse.example, without a path.")
if "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS must name the hosts: with * any Host header would be believed.")
globals().update(env.email_url("EMAIL_URL"))
# SQLite's file and the scheduler's are in it; a read-only checkout has PostgreSQL, and its scheduler elsewhere
if os.access(BASE_DIR, os.W_OK):
    VAR_DIR.mkdir(exist_ok=True)
WHITENOISE_USE_FINDERS = False
SECURE_SSL_REDIRECT = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
LOGGING = configure(LOG_LEVEL, as_json=True)
