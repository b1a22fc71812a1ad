"""A running Tiebreak, as `make demo` starts it, and a real browser to look at it."""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.e2e.mailroom import join, open_mailroom

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "screenshots"
MAILS, GOLD = 260, 150  # a small demo: enough gold that a training run is allowed
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def chromium():
    """Return the machine's browser, or skip with the reason."""
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("playwright is not installed")
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    pytest.skip("no chromium on this machine")


@dataclass
class Running:
    """The processes of the Procfile, in a folder of their own."""

    state: Path
    port: int
    processes: list[subprocess.Popen] = field(default_factory=list)
    passwords: dict[str, str] = field(default_factory=dict)

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self):
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        ours = {"STATE_DIR": str(self.state), "PORT": str(self.port), "PATH": path}
        without = {"REDIS_URL", "DATABASE_URL", "SECRET_KEY", "DEBUG", "COV_CORE_SOURCE"}
        return {key: value for key, value in os.environ.items() if key not in without} | ours

    def manage(self, *arguments):
        """Run a management command, with its jobs, and return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**self.environment, "CELERY_TASK_ALWAYS_EAGER": "true"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self):
        """Start every line of the Procfile and wait until the web server answers."""
        for line in (ROOT / "Procfile").read_text().splitlines():
            name, _, command = line.partition(":")
            log = (self.state / f"{name}.log").open("w")
            self.processes.append(
                subprocess.Popen(
                    command, shell=True, cwd=ROOT, env=self.environment,
                    stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                )
            )  # fmt: skip
            log.close()
        deadline = time.monotonic() + 120
        while not self.answers():
            assert time.monotonic() < deadline, self.logs()
            time.sleep(0.2)

    def answers(self):
        assert not any(process.poll() for process in self.processes), self.logs()
        try:
            with urlopen(f"{self.address}/accounts/sign-in/", timeout=5) as response:
                return response.status == 200
        except (URLError, ConnectionError, TimeoutError):
            return False

    def stop(self):
        """Stop what was started, children and all."""
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def logs(self):
        return "\n".join(
            f"{log.name}: {log.read_text()[-2000:]}" for log in self.state.glob("*.log")
        )


@pytest.fixture(scope="session")
def tiebreak(tmp_path_factory):
    """Tiebreak with a small demo project, its worker and its Redis."""
    chromium()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    running = Running(tmp_path_factory.mktemp("state"), port)
    running.manage("migrate", "--no-input", "--verbosity", "0")
    running.manage("collectstatic", "--no-input", "--verbosity", "0")
    said = running.manage("load_demo", "--mails", str(MAILS), "--gold", str(GOLD))
    signed = (line.split() for line in said.partition("Sign in as")[2].splitlines()[1:])
    running.passwords = {name: password for name, password, *_ in signed}
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def mailroom(tiebreak):
    """A project with tasks enough for every test of the desk; return how people join it."""
    open_mailroom(tiebreak)
    return partial(join, tiebreak)


# Not for the session: while playwright's loop runs, Django refuses the database to other tests.
@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield opened
        opened.close()


@dataclass
class Person:
    """Somebody at a browser: their page, and what went wrong on it."""

    page: object
    address: str
    faults: list[str] = field(default_factory=list)

    def go(self, path):
        response = self.page.goto(self.address + path)
        assert response.status == 200, (path, response.status)

    def sign_in(self, name, password):
        self.go("/accounts/sign-in/")
        self.page.get_by_label("Username").fill(name)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(self.address + "/")


@pytest.fixture
def sit_down(tiebreak, browser):
    """Return a function that signs somebody in at a browser of their own."""
    contexts = []

    def at_browser(name, **settings):
        context = browser.new_context(viewport={"width": 1280, "height": 860}, **settings)
        contexts.append(context)
        context.set_default_timeout(30_000)
        person = Person(context.new_page(), tiebreak.address)
        person.page.on("pageerror", lambda error: person.faults.append(f"script: {error}"))
        person.page.on(
            "console",
            lambda said: person.faults.append(said.text) if said.type == "error" else None,
        )
        person.sign_in(name, tiebreak.passwords[name])
        return person

    yield at_browser
    for context in contexts:
        context.close()
