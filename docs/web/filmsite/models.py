"""What the site remembers."""

from __future__ import annotations

from django.db import models


class Film(models.Model):
    title = models.CharField(max_length=200, unique=True)
    file = models.CharField(max_length=200, blank=True)  # empty until it is converted
