"""django-rq's pages show functions, and do with them what they say, once `handoff.rq.tools` is imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.processes import environment
from support.waiting import LIMIT_S

SETTINGS = """
import os

import handoff.rq.tools

SECRET_KEY = "none"
ROOT_URLCONF = "urls"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
    "django.contrib.messages", "django_rq",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {"context_processors": [
        "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]},
}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
RQ_QUEUES = {name: {"URL": os.environ["REDIS_URL"]} for name in ("handoff", "handoff.a")}
"""

URLS = """
from django.contrib import admin
from django.urls import include, path

urlpatterns = [path("admin/", admin.site.urls), path("django-rq/", include("django_rq.urls"))]
"""

SITE = """
import json
import os

from django.core.management import call_command
import django

from handoff import LocalCluster, FunctionFailed

with LocalCluster(nodes={"a": {"cpu": 1}}) as cluster:
    os.environ |= {"REDIS_URL": cluster.url, "DJANGO_SETTINGS_MODULE": "settings"}
    django.setup()
    call_command("migrate", verbosity=0)
    from django.contrib.auth.models import User
    from django.test import Client

    User.objects.create_superuser("me", "me@example.org", "secret")
    client = Client()
    client.login(username="me", password="secret")

    cluster.enqueue("operator:add", 1, 2, job_id="good").result(timeout=60)
    try:
        cluster.enqueue("operator:truediv", 1, 0, job_id="bad").result(timeout=60)
    except FunctionFailed:
        pass
    cluster.enqueue("operator:add", 1, 2, job_id="later", delay=1000)

    def page(path):
        answer = client.get(f"/django-rq/{path}")
        return [answer.status_code, [id for id in ("good", "bad", "later") if f"/{id}/" in answer.content.decode()]]

    paths = ["", "queues/0/deferred/", "queues/1/finished/", "queues/1/failed/", "queues/1/good/", "queues/1/bad/"]
    said = {"pages": {path: page(path) for path in paths}}
    client.post("/django-rq/queues/1/bad/requeue/", {"post": "yes"})
    client.post("/django-rq/queues/1/good/delete/", {"post": "yes"})
    try:
        cluster.handle("bad").result(timeout=60)
    except FunctionFailed as error:
        said["attempts"] = error.attempts
    said["left"] = cluster.connection.exists("rq:job:good")
print(json.dumps(said))
"""


@pytest.mark.slow
def test_django_rqs_pages_show_functions_requeue_one_and_delete_one(tmp_path: Path) -> None:
    for name, text in (("settings", SETTINGS), ("urls", URLS), ("site_of_it", SITE)):
        (tmp_path / f"{name}.py").write_text(text)

    ran = subprocess.run(
        [sys.executable, "site_of_it.py"], cwd=tmp_path, env=environment(), capture_output=True, timeout=LIMIT_S
    )

    assert ran.returncode == 0, ran.stderr.decode()
    said = json.loads(ran.stdout.splitlines()[-1])
    assert {path: status for path, (status, _) in said["pages"].items()} == dict.fromkeys(said["pages"], 200)
    assert said["pages"]["queues/0/deferred/"][1] == ["later"]
    assert said["pages"]["queues/1/finished/"][1] == ["good"]
    assert said["pages"]["queues/1/failed/"][1] == ["bad"]
    assert (said["attempts"], said["left"]) == (2, 0)
