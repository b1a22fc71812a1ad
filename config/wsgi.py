"""The WSGI entry point, served by gunicorn."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
get_resolver().check()  # loads every view now, not while the first person waits
gc.collect()
gc.freeze()  # none of this ever becomes garbage: no collection need look at it again
