"""The WSGI application that `__main__` has granian serve."""

import os
from pathlib import Path
from threading import Thread

from django.core.wsgi import get_wsgi_application
from whitenoise import WhiteNoise

from sandbox.test_idp.config import current
from sandbox.test_idp.ready import announce

# whoever starts this may have the portal's settings in the environment
os.environ["DJANGO_SETTINGS_MODULE"] = "sandbox.test_idp.settings"
application = WhiteNoise(get_wsgi_application(), root=Path(__file__).parent / "static", prefix="static/")
# in the worker, which alone knows when it listens: granian's main process may hold no thread when it forks
Thread(target=announce, args=[current()], daemon=True).start()
