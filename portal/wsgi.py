"""The WSGI application that granian serves."""

import os

from django.core.wsgi import get_wsgi_application

from portal.site.requests import LenientRequest
from sso.saml.request import warm_up

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.production")
application = get_wsgi_application()
application.request_class = LenientRequest
# the first person who signs in doesn't wait for it
warm_up()
