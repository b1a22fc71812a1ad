"""The web server is killed while people decide by the API, again and again, and started again.

On PostgreSQL every other time the database's connections are cut instead. Run by test_killed.py in
a process of its own, with DATABASE_URL set. Prints what it did as one JSON line; fails loudly.
"""

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from datetime import timedelta
from pathlib import Path

import django
import psycopg

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from labeling import tokens  # noqa: E402
from labeling.models import Annotation, AuditEntry, GoldLabel, Membership, ReviewTask  # noqa: E402
from tests.labeling.concurrency import build  # noqa: E402

ROOT = Path(__file__).parents[2]
CLIENTS, ROUNDS, MOST_ROUNDS = 8, 3, 8
DECISIONS = 12  # acknowledged in a round before the blow
UNSURE = 4  # decisions without an answer, of all rounds: fewer would prove little
PATIENCE = 90  # seconds for what takes a moment


class Server:
    """Redis and the web server as in the Procfile; the web server may die and come back."""

    def __init__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        lines = (ROOT / "Procfile").read_text().splitlines()
        self.lines = dict(line.split(": ", 1) for line in lines)
        self.redis = self.process("redis")
        self.start()

    def process(self, name):
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PORT": str(self.port), "PATH": path}
        command = ["sh", "-c", self.lines[name]]
        return subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)

    def start(self):
        self.web = self.process("web")
        deadline = time.monotonic() + PATIENCE
        while not self.answers():
            assert time.monotonic() < deadline, "the web server does not start"
            time.sleep(0.1)

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return ask(self.port, "GET", "/healthz")[0] == 200
        except OSError:
            return False

    def kill(self):
        """Kill the master and its workers at once, without a word."""
        os.killpg(self.web.pid, signal.SIGKILL)
        self.web.wait()

    def stop(self):
        self.kill()
        self.redis.terminate()
        self.redis.wait()


def ask(port, method, address, body=None, token=""):
    """Return the status and what came back; (0, {}) without an answer."""
    headers = {"Authorization": f"Token {token}"} if token else {}
    headers["Content-Type"] = "application/json"
    caller = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        caller.request(method, address, None if body is None else json.dumps(body), headers)
        answer = caller.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if answer.status < 300 else text
    except (OSError, http.client.HTTPException):
        return 0, {}
    finally:
        caller.close()


class Client:
    """Somebody's program: next, decide, next, … until it gets no answer, or is to stop."""

    def __init__(self, server, project, labels, person):
        self.server, self.labels, self.person = server, labels, person
        self.next = f"/api/v1/projects/{project.slug}/tasks/next"
        self.token, _ = tokens.grant(person, now=timezone.now())
        self.chance = random.Random(person.pk)
        self.stored = {}  # key -> (annotation, task, label), as acknowledged
        self.unsure = {}  # key -> (task, label): sent, and not answered
        self.faults = []

    def say(self, address, body):
        status, told = ask(self.server.port, "POST", address, body, self.token)
        if 300 <= status < 500:
            self.faults.append(f"{address}: {status} {told}")
        return told if 200 <= status < 300 else None

    def sit(self, is_over):
        while not is_over.is_set():
            told = self.say(self.next, {"count": 1})
            if not told or not told["tasks"]:
                return
            task, label = told["tasks"][0]["id"], self.chance.choice(self.labels).pk
            if not self.decide(str(uuid.uuid4()), task, label):
                return

    def decide(self, key, task, label):
        """Send a decision and note what became of it; whether it was acknowledged."""
        body = {"labels": [label], "kind": "corrected", "key": key}
        told = self.say(f"/api/v1/tasks/{task}/annotations", body)
        if told is None:
            self.unsure[key] = (task, label)
            return False
        self.unsure.pop(key, None)
        self.stored[key] = (told["id"], task, label)
        return True

    def send_again(self):
        """Send what is unsure, and what is not, with the keys they had."""
        for key, (task, label) in list(self.unsure.items()):
            assert self.decide(key, task, label), f"{key} is refused when sent again"
        for key, (annotation, task, label) in list(self.stored.items())[-1:]:
            assert self.decide(key, task, label)
            assert self.stored[key][0] == annotation, f"{key} became another decision"


def strike(clients, blow):
    """Let everybody decide, and strike while they do, at a moment nobody chose."""
    is_over, before = threading.Event(), total(clients, "stored")
    threads = [threading.Thread(target=client.sit, args=(is_over,)) for client in clients]
    for thread in threads:
        thread.start()
    while total(clients, "stored") < before + DECISIONS and any(t.is_alive() for t in threads):
        time.sleep(0.01)
    time.sleep(random.uniform(0, 0.2))
    blow()
    is_over.set()
    for thread in threads:
        thread.join()


def total(clients, name):
    return sum(len(getattr(client, name)) for client in clients)


def cut_connections():
    """End every connection to the database but this one, whatever it is in the middle of."""
    connection.close()
    others = "pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute(f"SELECT pg_terminate_backend(pid) FROM {others}")


def check_stored(clients):
    """Every acknowledged decision stands once, as it was sent; an unanswered one once at most."""
    found = {}
    rows = Annotation.objects.standing().values_list("key", "pk", "task", "labels")
    for key, *row in rows:
        assert str(key) not in found, f"{key} is stored twice"
        found[str(key)] = tuple(row)
    unsure = {}
    for client in clients:
        assert not client.faults, client.faults[:3]
        assert client.stored.items() <= found.items()
        unsure |= client.unsure
    known = {key for client in clients for key in client.stored}
    assert set(found) - known <= set(unsure)
    assert all(found[key][1:] == unsure[key] for key in set(found) - known)
    return len(set(found) - known)


def check_whole(project):
    """No decision is stored in part: each has closed its task, made gold, and stands in history."""
    standing = Annotation.objects.standing().filter(project=project)
    closed = project.tasks.filter(status=ReviewTask.Status.DONE)
    assert set(standing.values_list("task", flat=True)) == set(closed.values_list("pk", flat=True))
    gold = GoldLabel.objects.gold().filter(project=project)
    assert set(gold.values_list("annotation", "label")) == set(standing.values_list("pk", "labels"))
    assert AuditEntry.objects.filter(act="annotated").count() == standing.count()


def check_leases(project, clients):
    """What the dead hold is theirs for the time of a lease at most, and then anybody's."""
    left = project.tasks.open().filter(leased_by__isnull=False)
    assert left.exists()
    end = timezone.now() + settings.REVIEW_LEASE
    assert not left.filter(leased_until__gt=end).exists()
    for task in left:
        other = next(each.person for each in clients if each.person.pk != task.leased_by_id)
        mine = project.tasks.filter(pk=task.pk)
        before = task.leased_until - timedelta(seconds=1)
        assert not mine.available_to(other, at=before).exists()
        assert mine.available_to(other, at=task.leased_until).exists()
    return left.count()


def main():
    project, labels, people = build()
    for person in people[:CLIENTS]:
        Membership.objects.create(project=project, user=person, role=Membership.Role.REVIEWER)
    server = Server()
    did = {"database": connection.vendor, "rounds": 0, "unsure": 0, "stored_unanswered": 0}
    try:
        clients = [Client(server, project, labels, person) for person in people[:CLIENTS]]
        while did["rounds"] < ROUNDS or (did["unsure"] < UNSURE and did["rounds"] < MOST_ROUNDS):
            is_cut = connection.vendor == "postgresql" and did["rounds"] % 2
            strike(clients, cut_connections if is_cut else server.kill)
            did["rounds"] += 1
            did["unsure"] += total(clients, "unsure")
            did["stored_unanswered"] += check_stored(clients)
            if not is_cut:
                server.start()
            for client in clients:
                client.send_again()
            assert not check_stored(clients)
        check_whole(project)
        strike(clients, server.kill)
        check_stored(clients)
        did |= {"stored": total(clients, "stored"), "left": check_leases(project, clients)}
    finally:
        server.stop()
    sys.stdout.write(json.dumps(did) + "\n")


if __name__ == "__main__":
    main()
