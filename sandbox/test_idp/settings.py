"""A site without tables of Django: its state is in `store`, its sessions in signed cookies whose names the portal doesn't use."""

import secrets
from pathlib import Path

from sandbox.test_idp.config import HOST

DEBUG = False
# whatever was signed is forgotten at the end of the process
SECRET_KEY = secrets.token_urlsafe(50)
# by no other name, or its cookies would get mixed up with the portal's
ALLOWED_HOSTS = [HOST]
APPEND_SLASH = False
ROOT_URLCONF = "sandbox.test_idp.urls"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "sandbox.test_idp.middleware.PageMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "sandbox.test_idp.middleware.FormTokenMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates"],
        "OPTIONS": {"context_processors": ["sandbox.test_idp.config.shell"]},
    }
]
CSRF_COOKIE_NAME = "idp_csrftoken"
CSRF_COOKIE_HTTPONLY = True
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
SESSION_COOKIE_NAME = "idp_session"
# as with most identity providers, an app learns from which site its response comes
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
X_FRAME_OPTIONS = "DENY"
STATIC_URL = "/static/"
USE_TZ = True
TIME_ZONE = "UTC"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    # of what a client gets wrong, the page says enough
    "loggers": {
        "django": {"handlers": ["stderr"], "level": "ERROR", "propagate": False},
        "django.security": {"level": "CRITICAL"},
    },
}
