import os
import subprocess
import sys

CODE = """
import config, django
django.setup()
from labeling import events
[(_, answer)] = events.gold_changed.send_robust(sender=None, project_id=1)
assert answer is None, answer
"""


def test_without_a_broker_a_decision_stands_and_learning_waits(tmp_path):
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "STATE_DIR": str(tmp_path)}
    env.pop("REDIS_URL", None)
    done = subprocess.run(
        [sys.executable, "-c", CODE], env=env, capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 0, done.stderr
    assert "learns later: no message broker" in done.stderr
    assert done.stderr.count("learns later") == 1


REPEATED = """
import config, django
django.setup()
from labeling import events
from training import apps, tasks

def decide(project_id):
    events.gold_changed.send_robust(sender=None, project_id=project_id)

def waiting():
    with tasks.refit.app.connection_for_read() as connection:
        return connection.SimpleQueue("celery").qsize()

apps.TOGETHER = 60.0  # however busy the machine is
for _ in range(20):
    decide(1)
decide(2)
print(waiting())
apps.TOGETHER = 0.0
decide(1)
print(waiting())
"""


def test_one_message_speaks_of_all_that_is_decided_within_a_second(embedded_redis):
    state = {"STATE_DIR": str(embedded_redis.parent), "REDIS_URL": ""}
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", **state}
    done = subprocess.run(
        [sys.executable, "-c", REPEATED], env=env, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    first, then = map(int, done.stdout.split())
    assert (first, then - first) == (2, 1)
