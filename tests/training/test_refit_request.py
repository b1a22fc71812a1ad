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
