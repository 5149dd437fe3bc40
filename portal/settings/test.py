"""The test suite: SQLite unless DATABASE_URL says otherwise, fast hashing, mail in memory."""

import os

from portal.private_files import make_private
from portal.settings.base import *
from portal.settings.logs import configure

# `manage.py lintmigrations`, which no other environment needs
INSTALLED_APPS = [*INSTALLED_APPS, "django_migration_linter"]
SANDBOX = True
INSTALLED_APPS = [*INSTALLED_APPS, "sandbox"]
OUTBOUND_ALLOWS_LOOPBACK = True
# no test asks the real DNS: those that need answers write them into a table
TXT_LOOKUP = "tests.dns.lookup_txt"
TEST_IDP_FOLDER = VAR_DIR / "test-idp"
SECRET_KEY = "test-only-key-that-production-refuses-to-use-at-all"  # noqa: S105
FIELD_KEYS = ["dGVzdC1vbmx5LWZpZWxkLWtleS0zMi1ieXRlcy1sb24="]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "testserver"]
PUBLIC_BASE_URL = "http://testserver"
CSRF_TRUSTED_ORIGINS = ["http://testserver"]
# a test finds what it has caused; those of the buffers turn them on
BUFFERED_WRITES = False
# nudges go nowhere: tests drain the outbox themselves, and the worker's tests bring a broker
CELERY_BROKER_URL = REDIS_URL or "memory://"
# files are looked up when asked for: each test's client would otherwise begin by listing all of them
WHITENOISE_AUTOREFRESH = True
make_private(VAR_DIR)
STATIC_ROOT.mkdir(exist_ok=True)
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # a file, so that threads of one test and the live server share it; of this process, so that two runs don't
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / f"test-{os.getpid()}.sqlite3")}
    # a test database need not outlive a power cut
    DATABASES["default"]["OPTIONS"]["init_command"] = (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON;"
    )
else:
    # races begin with more threads than the web server has, and their connections are made one by one
    DATABASES["default"]["OPTIONS"]["pool"]["timeout"] = 10
LOGGING = configure("WARNING", as_json=False)
