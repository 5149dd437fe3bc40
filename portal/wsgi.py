"""The WSGI application that granian serves."""

import os

from django.core.wsgi import get_wsgi_application

from sso.saml.request import warm_up

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.production")
application = get_wsgi_application()
# the first person who signs in doesn't wait for it
warm_up()
