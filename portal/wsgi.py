"""The WSGI application: `portal.serve` runs it, and any other WSGI server can."""

import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from portal.site.requests import LenientRequest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.production")
application = get_wsgi_application()
application.request_class = LenientRequest
# the first request, and the first person who signs in, wait for neither; and a view that can't be imported shows here
_ = get_resolver().url_patterns
from sso.signin.saml import warm_up  # noqa: E402 - it knows models, which Django has to load first

warm_up()
