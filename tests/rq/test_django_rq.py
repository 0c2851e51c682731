"""django-rq enqueues by `handoff.rq.django.Queue`, and its pages show functions once `handoff.rq.tools` is imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

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
RQ_QUEUES = {name: {"URL": os.environ.get("REDIS_URL", "redis://localhost")} for name in ("handoff", "handoff.a")}
RQ_QUEUES["default"] = {
    "URL": os.environ.get("REDIS_URL", "redis://localhost"),
    "QUEUE_CLASS": "handoff.rq.django.Queue",
    "DEFAULT_TIMEOUT": 77,
    "DEFAULT_RESULT_TTL": 7000,
}
RQ_QUEUES["wide"] = {**RQ_QUEUES["default"], "COST": {"cpu": 5}}
"""

URLS = """
from django.contrib import admin
from django.urls import include, path

urlpatterns = [path("admin/", admin.site.urls), path("django-rq/", include("django_rq.urls"))]
"""

PAGES = """
import json
import os

from django.core.management import call_command
import django

from handoff import LocalCluster, FunctionFailed

with LocalCluster(nodes={"a": {"cpu": 1}}, preload=["django:setup"]) as cluster:
    os.environ["REDIS_URL"] = cluster.url
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

    paths = ["", "queues/0/", "queues/0/finished/", "queues/1/deferred/"]
    paths += [f"queues/2/{page}/" for page in ("finished", "failed", "good", "bad")]
    said = {"pages": {path: page(path) for path in paths}}
    client.post("/django-rq/queues/2/bad/requeue/", {"post": "yes"})
    client.post("/django-rq/queues/2/good/delete/", {"post": "yes"})
    try:
        cluster.handle("bad").result(timeout=60)
    except FunctionFailed as error:
        said["attempts"] = error.attempts
    said["left"] = cluster.connection.exists("rq:job:good")
print(json.dumps(said))
"""


TASKS = """
import django_rq


@django_rq.job("default", timeout=55)
def add(a, b):
    return a + b
"""

ENQUEUING = """
import json
import os

import django

from handoff import LocalCluster

with LocalCluster(nodes={"a": {"cpu": 1}}, preload=["django:setup"]) as cluster:
    os.environ["REDIS_URL"] = cluster.url
    django.setup()
    import django_rq
    from django.core.exceptions import ImproperlyConfigured
    from django.db import transaction
    from django_rq import thread_queue

    from tasks import add

    queue, said = django_rq.get_queue(), {}

    def result(id):
        return cluster.handle(id).result(timeout=60)

    def there(*ids):
        return [bool(cluster.connection.exists(f"rq:job:{id}")) for id in ids]

    job = queue.enqueue("operator:add", 1, 2, job_id="plain")
    said["plain"] = [result("plain"), job.timeout, job.result_ttl]
    django_rq.get_queue("wide").enqueue(add, 1, 2, job_id="wide")
    said["wide"] = cluster.handle("wide").explain().state
    said["decorated"] = [add(1, 2), result(add.delay(3, 4).id)]

    with transaction.atomic():
        said["submitted"] = repr(queue.enqueue(add, 1, 2, job_id="committed"))
        queue.enqueue_call(add, (1, 2), job_id="costly", cost={"cpu": 1})
        said["before"] = there("committed", "costly")
    said["committed"] = [result("committed"), result("costly")]
    try:
        with transaction.atomic():
            queue.enqueue(add, 1, 2, job_id="back")
            django_rq.get_queue(commit_mode="auto").enqueue(add, 1, 2, job_id="at-once")
            raise InterruptedError
    except InterruptedError:
        said["rolled back"] = there("back", "at-once")

    # What django-rq connects to the end of a request where its settings have this mode.
    django_rq.get_queue(commit_mode="request_finished").enqueue(add, 5, 6, job_id="requested")
    said["not yet"] = there("requested")
    thread_queue.commit()
    said["requested"] = result("requested")
    try:
        django_rq.get_queue(job_class="tasks.add")
    except ImproperlyConfigured as error:
        said["refused"] = str(error)
print(json.dumps(said))
"""


def run_site(folder: Path, program: str) -> dict[str, Any]:
    """Run a program in a Django project. -> what it prints last"""
    for name, text in (("settings", SETTINGS), ("urls", URLS), ("tasks", TASKS), ("site_of_it", program)):
        (folder / f"{name}.py").write_text(text)
    ran = subprocess.run(
        [sys.executable, "site_of_it.py"],
        cwd=folder,
        env={**environment(), "DJANGO_SETTINGS_MODULE": "settings"},
        capture_output=True,
        timeout=LIMIT_S,
    )
    assert ran.returncode == 0, ran.stderr.decode()
    said: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return said


@pytest.mark.slow
def test_django_rqs_pages_show_functions_requeue_one_and_delete_one(tmp_path: Path) -> None:
    said = run_site(tmp_path, PAGES)

    assert {path: status for path, (status, _) in said["pages"].items()} == dict.fromkeys(said["pages"], 200)
    assert said["pages"]["queues/1/deferred/"][1] == ["later"]
    assert said["pages"]["queues/2/finished/"][1] == ["good"]
    assert said["pages"]["queues/2/failed/"][1] == ["bad"]
    assert (said["attempts"], said["left"]) == (2, 0)


@pytest.mark.slow
def test_what_django_rq_enqueues_is_placed_when_its_commit_mode_says(tmp_path: Path) -> None:
    said = run_site(tmp_path, ENQUEUING)

    assert said["plain"] == [3, 77, 7000]
    assert said["wide"] == "infeasible"
    assert said["decorated"] == [3, 7]
    assert (said["submitted"], said["before"], said["committed"]) == ("None", [False, False], [3, 3])
    assert said["rolled back"] == [False, True]
    assert (said["not yet"], said["requested"]) == ([False], 11)
    assert "leave it out" in said["refused"]
