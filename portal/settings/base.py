"""What holds in every environment. Nothing here reads a default secret: dev and test bring their own."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from portal.configuration import require_valid
from portal.env import env

require_valid()
BASE_DIR = Path(__file__).resolve().parents[2]
VAR_DIR = BASE_DIR / "var"

PUBLIC_BASE_URL = env.str("PUBLIC_BASE_URL", default="http://localhost:8000").rstrip("/")
IS_HTTPS = urlsplit(PUBLIC_BASE_URL).scheme == "https"
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", default=[])
DEBUG = False
TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
SANDBOX = False
# the sandbox's test IdP is on this machine: production refuses it
OUTBOUND_ALLOWS_LOOPBACK = False
# what is asked for TXT records; the sandbox and the tests answer from tables of their own
TXT_LOOKUP = "orgs.base.resolver.ask_dns"

INSTALLED_APPS = [
    "portal.site.apps.GatehouseAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_cotton.apps.SimpleAppConfig",
    "template_partials.apps.SimpleAppConfig",
    "django_htmx",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_scim",
    "django_prometheus",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "orgs",
    "sso",
    "scim",
    "portal",
]

MIDDLEWARE = [
    # SCIM requests leave here, for the list below
    "portal.site.scim_way.middleware.ScimWayMiddleware",
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "portal.site.middleware.RequestIdentityMiddleware",
    "portal.site.middleware.BodyMiddleware",
    "portal.site.middleware.ProxyCountMiddleware",
    "portal.site.middleware.CharsetMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    # probes call by address: behind this line the Host header, the session and the database are asked
    "portal.site.health.ProbeMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "portal.site.middleware.ScimSlashMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.site.health.DatabaseMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "portal.site.middleware.SessionGrantsMiddleware",
    "portal.site.middleware.NoStoreMiddleware",
    "portal.site.middleware.RefusalMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

SCIM_MIDDLEWARE = [
    "portal.site.scim_way.middleware.FiguresMiddleware",
    "portal.site.middleware.RequestIdentityMiddleware",
    "portal.site.middleware.BodyMiddleware",
    "portal.site.middleware.ProxyCountMiddleware",
    "portal.site.middleware.CharsetMiddleware",
    "portal.site.scim_way.middleware.FixedHeadersMiddleware",
    "portal.site.middleware.ScimSlashMiddleware",
    "portal.site.scim_way.middleware.HostMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
APPEND_SLASH = True

_LOADERS = [
    "django_cotton.cotton_loader.Loader",
    "django.template.loaders.filesystem.Loader",
    "django.template.loaders.app_directories.Loader",
]
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            # one explicit list: with both apps on automatic patching, cotton tags were left uncompiled
            "loaders": [("template_partials.loader.Loader", [("django.template.loaders.cached.Loader", _LOADERS)])],
            "builtins": ["django_cotton.templatetags.cotton", "template_partials.templatetags.partials"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.site.context.shell",
            ],
        },
    }
]


def database(url: str) -> dict[str, Any]:
    """Return Django's settings for a database URL, with what each engine needs to lose nothing under parallel writes."""
    config: dict[str, Any] = env.db_url_config(url)
    if config["ENGINE"] == "django.db.backends.sqlite3":
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
        }
    else:
        config["CONN_MAX_AGE"] = 0
        config["CONN_HEALTH_CHECKS"] = True
        # a request that gets no connection answers 503 within two seconds (portal/site/health.py); the pool gives
        # up an attempt to connect as soon, since its next one begins with the next request and not a minute later
        pool = {"min_size": 1, "max_size": 16, "timeout": 1, "reconnect_timeout": 2}
        config["OPTIONS"] = {
            "pool": pool,
            "connect_timeout": 2,
            "tcp_user_timeout": 2000,
            # what orgs.base.statements prepares; Django's own statements are never prepared
            "prepare_threshold": 0,
        }
    return config


DATABASES = {"default": database(env.str("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'gatehouse.sqlite3'}"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", default="")
# counters and used one-time codes must be right without Redis, and none may be evicted while it lives
CACHES = {"default": {"BACKEND": "orgs.base.cache.TableCache"}}

AUTH_USER_MODEL = "orgs.User"
AUTHENTICATION_BACKENDS = ["portal.site.verification.backends.AddressBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"

ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
# a code counts in the browser session that asked for it, and a link that somebody opens elsewhere for nothing
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_MAX_ATTEMPTS = 3
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT = 15 * 60
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_MAX_EMAIL_ADDRESSES = 5
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
# amount/time/for whom: the address of the network (ip), or the address of the mail (key). Of two, the first is asked
# first, and what it refuses doesn't count in the second. Those of passwords are in portal/site/sign_in_limits.py.
ACCOUNT_RATE_LIMITS = {
    "login": None,
    "login_failed": None,
    "signup": "20/m/ip",
    "reset_password": "5/h/key,20/m/ip",
    "confirm_email": "10/m/ip,20/h/key",
}
ACCOUNT_ADAPTER = "portal.site.accounts.AccountAdapter"
ACCOUNT_FORMS = {
    "signup": "portal.site.verification.forms.SignUpForm",
    "confirm_email_verification_code": "portal.site.verification.forms.CodeForm",
    "reset_password": "portal.site.verification.forms.AskResetForm",
    "reset_password_from_key": "portal.site.verification.forms.NewPasswordForm",
    "user_token": "portal.site.verification.forms.ResetLinkForm",
}
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if IS_HTTPS else "http"
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXY_COUNT
MFA_ADAPTER = "portal.site.accounts.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
# nothing can be guessed here, and many people may be behind one address
MFA_RATE_LIMITS = {"webauthn_login": "120/m/ip"}
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not IS_HTTPS
USERSESSIONS_TRACK_ACTIVITY = False

SESSION_ENGINE = "orgs.base.sessions"
SESSION_COOKIE_AGE = 7 * 24 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_NAME = "__Host-session" if IS_HTTPS else "sessionid"
CSRF_COOKIE_SECURE = IS_HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "__Host-csrftoken" if IS_HTTPS else "csrftoken"
CSRF_FAILURE_VIEW = "portal.site.views.csrf_failure"
CSRF_TRUSTED_ORIGINS = [PUBLIC_BASE_URL]
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[urlsplit(PUBLIC_BASE_URL).hostname or "localhost"])
if TRUSTED_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = IS_HTTPS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "img-src": [SELF, "data:"],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    "camera": [],
    "microphone": [],
    "geolocation": [],
    "payment": [],
    "usb": [],
    "publickey-credentials-get": ["self"],
    "publickey-credentials-create": ["self"],
}
# larger bodies than a form needs are SCIM's, which has its own cap
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
# files aren't counted by the line above, and are written to disk before anybody asks who sends them
LARGEST_BODY = 16 * 1024 * 1024
# a SAMLResponse of 768 KiB in base64 with line breaks, percent-encoded, and the other fields of its form
LARGEST_SAML_BODY = 1280 * 1024 + 4096

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = True

DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Gatehouse <no-reply@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# a mail server that says nothing must not hold a worker
EMAIL_TIMEOUT = 10

# how far an IdP's clock may be from ours; five minutes at the most
SAML_CLOCK_SKEW = timedelta(seconds=env.int("SAML_CLOCK_SKEW", default=90))

# per second, and at once, in each worker process: what a live token may send, and how many requests come from one network
# address without one. A read takes 1 of a token's limit, since it costs a fifth or less of a write, which takes 5, as each
# operation of a Bulk request does: 200 writes a second, 1,000 at once. A first sync of 10,000 users by eight clients stays
# below.
SCIM_TOKEN_LIMIT = (1000.0, 5000.0)
SCIM_STRANGER_LIMIT = (1.0, 60.0)

# rows that nobody waits for leave the request, and are written in batches (orgs/base/buffers.py)
BUFFERED_WRITES = True

SCIM_SERVICE_PROVIDER = {
    "NETLOC": urlsplit(PUBLIC_BASE_URL).netloc,
    "SCHEME": urlsplit(PUBLIC_BASE_URL).scheme,
    "AUTHENTICATION_SCHEMES": [],
    "USER_ADAPTER": "scim.users.views.DirectoryUserAdapter",
    "GROUP_ADAPTER": "scim.groups.views.DirectoryGroupAdapter",
    "USER_MODEL_GETTER": "scim.users.queries.directory_user_model",
    "GROUP_MODEL": "scim.groups.models.DirectoryGroup",
    "EXPOSE_SCIM_EXCEPTIONS": False,
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["portal.api.authentication.GrantedSessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Gatehouse",
    "VERSION": "1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SERVE_INCLUDE_SCHEMA": False,
}

CELERY_BROKER_URL = REDIS_URL or "filesystem://"
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO").upper()
