"""The site for a web server, and what nodes load before any function: `handoff node --preload filmsite.wsgi`."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "filmsite.settings")
application = get_wsgi_application()
