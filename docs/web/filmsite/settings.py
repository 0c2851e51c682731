"""What is special to this site; a real one has more."""

from __future__ import annotations

import os

SECRET_KEY = os.environ.get("FILMSITE_SECRET_KEY", "for trying it on this machine")
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "filmsite.urls"
WSGI_APPLICATION = "filmsite.wsgi.application"
INSTALLED_APPS = ["filmsite"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware", "filmsite.views.HandoffErrors"]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ.get("FILMSITE_DATABASE", "films.sqlite3")}
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
