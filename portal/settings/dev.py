"""Works with nothing set: SQLite, a file-system broker and mail written to files under var/."""

from pathlib import Path

from portal.env import env
from portal.private_files import make_private
from portal.settings.address import adopt
from portal.settings.logs import configure

# commands beside a running demo print its addresses, on whatever port it is
adopt(Path(__file__).resolve().parents[2] / "var")
from portal.settings.base import *  # noqa: E402 - the base's settings follow from the address

make_private(VAR_DIR)
STATIC_ROOT.mkdir(exist_ok=True)
DEBUG = env.bool("DEBUG", default=False)
SANDBOX = True
INSTALLED_APPS = [*INSTALLED_APPS, "sandbox"]
OUTBOUND_ALLOWS_LOOPBACK = True
TXT_LOOKUP = "sandbox.dns.lookup_txt"
TEST_IDP_FOLDER = VAR_DIR / "idp"
# development keys: production refuses to start without its own
SECRET_KEY = env.str("SECRET_KEY", default="development-only-key-that-production-refuses-to-use")
FIELD_KEYS = env.list("FIELD_KEYS", default=["ZGV2ZWxvcG1lbnQtb25seS1maWVsZC1rZXktMzJieXQ="])
ALLOWED_HOSTS = [*ALLOWED_HOSTS, "localhost", "127.0.0.1", "[::1]"]
if env.str("EMAIL_URL", default=""):
    globals().update(env.email_url("EMAIL_URL"))
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = VAR_DIR / "mail"
LOGGING = configure(LOG_LEVEL, as_json=False)
