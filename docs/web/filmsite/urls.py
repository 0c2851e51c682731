"""The addresses of the site."""

from __future__ import annotations

from django.urls import path

from filmsite import views

urlpatterns = [
    path("films", views.films),
    path("films/<str:id>", views.film),
    path("films/<str:id>/events", views.events),
]
