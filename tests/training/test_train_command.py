"""Training as a user runs it: real processes on a database of their own."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.factories import DeploymentFactory, ModelVersionFactory, TrainingRunFactory
from tests.training.small import write_files
from training.models import TrainingRun

MANAGE = str(Path(__file__).parents[2] / "manage.py")


class Machine:
    """manage.py in processes of their own, with a state directory of their own."""

    def __init__(self, state):
        self.environment = {
            **os.environ,
            "STATE_DIR": str(state),
            "REDIS_URL": "redis://127.0.0.1:1/0",  # nobody listens: no worker may interfere
            "ENCODER_ENGINE": "fp32",
            "OMP_NUM_THREADS": "1",
            "TOKENIZERS_PARALLELISM": "false",
        }
        self.environment.pop("DATABASE_URL", None)

    def run(self, *arguments, check=True):
        return subprocess.run(
            [sys.executable, MANAGE, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=check,
            timeout=240,
        )

    def start(self, *arguments):
        return subprocess.Popen(
            [sys.executable, MANAGE, *arguments],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def run_row(self):
        """Return the newest run as its row says; the processes write it all the time."""
        file = f"{self.environment['STATE_DIR']}/db.sqlite3"
        with contextlib.closing(sqlite3.connect(file, timeout=20)) as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute(
                "SELECT * FROM training_trainingrun ORDER BY id DESC"
            ).fetchone()

    def let_time_pass(self):
        """Set the last heartbeat so far back that its process counts as dead."""
        file = f"{self.environment['STATE_DIR']}/db.sqlite3"
        with contextlib.closing(sqlite3.connect(file, timeout=20)) as connection, connection:
            connection.execute("UPDATE training_trainingrun SET heartbeat_at = '2000-01-01 00:00'")

    def shell(self, code):
        return self.run("shell", "--no-imports", "-c", code)

    def wait_for(self, met):
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if (row := self.run_row()) and met(row):
                return row["id"]
            time.sleep(0.2)
        raise AssertionError(f"never happened: {dict(row) if row else None}")

    def request(self):
        """Ask for a run that early stopping does not end before the test has seen it."""
        self.shell(
            "from django.utils import timezone;from labeling.models import Project;"
            "from training import schedule;"
            "schedule.request(Project.objects.get(), actor=None, now=timezone.now(),"
            "parameters={'epochs': 60, 'patience': 1000})"
        )
        return self.run_row()["id"]


@pytest.fixture
def machine(tmp_path, small_encoder):
    machine = Machine(tmp_path / "state")
    taxonomy, documents = write_files(tmp_path, mails=30)
    machine.run("migrate", "-v0")
    machine.run("import_taxonomy", str(taxonomy), "--project", "small", "--kind", "single")
    machine.run("import_documents", str(documents), "--project", "small", "--gold")
    machine.shell(
        "from labeling.models import Project;"
        f"Project.objects.update(encoder={str(small_encoder)!r})"
    )
    return machine


@pytest.mark.slow
def test_a_killed_run_resumes_from_its_checkpoint(machine):
    run = str(machine.request())
    process = machine.start("train", "--run", run)
    machine.wait_for(lambda row: row["steps"] and row["step"] >= row["steps"] / 4)
    process.send_signal(signal.SIGKILL)
    process.wait()
    machine.let_time_pass()
    machine.run("train", "--run", run)

    row = machine.run_row()
    steps = [point["step"] for point in json.loads(row["curve"])]
    assert row["status"] == "done", row["error"]
    assert row["attempts"] == 2
    assert steps == sorted(set(steps))


@pytest.mark.slow
def test_a_run_under_way_can_be_cancelled_from_elsewhere(machine):
    run = str(machine.request())
    process = machine.start("train", "--run", run)
    machine.wait_for(lambda row: row["step"] > 1)
    machine.run("runs", "--project", "small", "--cancel", run)
    process.wait(timeout=60)

    assert machine.run_row()["status"] == "cancelled"
    (listed,) = json.loads(machine.run("runs", "--project", "small", "--json").stdout)["runs"]
    assert listed["version"] is None


@pytest.mark.slow
def test_one_command_trains_and_says_what_the_gates_decided(machine):
    done = machine.run("train", "--project", "small", "--epochs", "2", "--json")
    result = json.loads(done.stdout.splitlines()[-1])

    assert result["status"] == "done"
    assert len(result["gates"]) == 8
    assert result["version"] == 1

    measured = machine.run("evaluate", "--project", "small", "--number", "1", "--json")
    found = json.loads(measured.stdout.splitlines()[-1])
    assert found["metrics"]["top1"] == pytest.approx(result["challenger"]["top1"])


def told(capsys, *arguments, **options):
    call_command(*arguments, **options)
    return capsys.readouterr().out


@pytest.mark.django_db
def test_runs_are_listed_newest_first(project, capsys):
    TrainingRunFactory(project=project, status=TrainingRun.Status.FAILED, error="No disk.")
    newest = TrainingRunFactory(project=project)
    listed = json.loads(told(capsys, "runs", project="support", json=True))["runs"]

    assert listed[0]["run"] == newest.pk
    assert "No disk." in told(capsys, "runs", project="support")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("command", "options", "complaint"),
    [
        ("runs", {"project": "absent"}, "There is no project absent"),
        ("train", {}, "Say which project"),
        ("train", {"project": "support", "epochs": 0}, "epochs: 0; a whole number from 1 to 100"),
        ("promote", {"project": "support", "number": 9}, "no version 9"),
        ("roll_back", {"project": "support"}, "has no former champion"),
        ("evaluate", {"project": "support"}, "no published taxonomy"),
        ("runs", {"project": "support", "cancel": 77}, "no run 77"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(project, command, options, complaint):
    with pytest.raises(CommandError, match=complaint):
        call_command(command, **options)


@pytest.mark.django_db
def test_training_twice_at_once_is_refused(project):
    run = TrainingRunFactory(project=project)
    with pytest.raises(CommandError, match=f"is training already: Run {run.pk}"):
        call_command("train", project="support")


@pytest.mark.django_db
def test_promoting_through_shut_gates_is_refused_with_reasons(project):
    gates = [{"gate": "Top-1 better", "passed": False, "reason": "Top-1 fell."}]
    version = ModelVersionFactory(project=project, gates=gates)
    with pytest.raises(CommandError, match="Top-1 better: Top-1 fell"):
        call_command("promote", project="support", number=version.number)


@pytest.mark.django_db
def test_promote_and_roll_back_say_what_serves(project, capsys):
    DeploymentFactory(project=project)
    gates = [{"gate": "No leaks", "passed": True, "reason": "None."}]
    version = ModelVersionFactory(project=project, gates=gates)

    promoted = told(capsys, "promote", project="support", number=version.number, json=True)
    back = told(capsys, "roll_back", project="support", json=True)

    assert json.loads(promoted) == {"promoted": version.number, "bundle": version.bundle}
    assert json.loads(back) == {"bundle": "a" * 64, "version": None}


@pytest.mark.django_db
def test_a_claimed_run_is_left_alone(project):
    run = TrainingRunFactory(
        project=project,
        status=TrainingRun.Status.RUNNING,
        heartbeat_at=timezone.now(),
        process="elsewhere:1",
    )
    call_command("train", run=run.pk)

    run.refresh_from_db()
    assert run.process == "elsewhere:1"
