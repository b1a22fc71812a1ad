"""What the house promises about itself, checked."""

import ast
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection

from config.settings import secret_key, socket_path

ROOT = Path(__file__).parent.parent
PACKAGES = ["config", "labeling", "inference", "training"]
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
WRITTEN = [path for path in SOURCES if "migrations" not in path.parts]

HEAVY = "torch faiss transformers sentence_transformers"
NOT_NAMES = {
    "utils", "helpers", "services", "selectors", "managers", "constants", "signals", "common",
    "misc",
}  # fmt: skip


def in_fresh_python(code, tmp_path, **environment):
    """Run *code* in a Python that knows only these variables; return what it printed."""
    clean = {"STATE_DIR": str(tmp_path / "state"), "DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_web_process_imports_no_tensor_library(tmp_path):
    code = (
        "import sys, pkgutil, importlib, config.wsgi, config.urls\n"
        "import labeling.views, training.views\n"
        "for m in pkgutil.iter_modules(labeling.views.__path__, 'labeling.views.'):\n"
        "    importlib.import_module(m.name)\n"
        "from django.urls import get_resolver\n"
        "get_resolver()._populate()\n"
        "from django.core.checks import run_checks\n"
        "run_checks()\n"
        f"print(*(set('{HEAVY}'.split()) & set(sys.modules)))"
    )
    assert in_fresh_python(code, tmp_path) == ""


def test_serving_pages_imports_no_tensor_library(tmp_path):
    code = (
        "import sys, config.wsgi\n"
        "from django.test import Client\n"
        "from django.urls import reverse\n"
        "for name in ('accounts:login', 'healthz'):\n"
        "    response = Client().get(reverse(name), HTTP_HOST='127.0.0.1')\n"
        "    assert response.status_code in (200, 503), response.status_code\n"
        f"print(*(set('{HEAVY}'.split()) & set(sys.modules)))"
    )
    # DEBUG: no collected static files are needed.
    assert in_fresh_python(code, tmp_path, DEBUG="true", LOG_LEVEL="CRITICAL") == ""


def test_no_module_has_a_name_that_says_nothing():
    assert [
        path for path in SOURCES if path.stem in NOT_NAMES or path.parent.name in NOT_NAMES
    ] == []


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_fits_in_one_head(path):
    lines = path.read_text().splitlines()
    assert len(lines) <= 400
    for node in ast.walk(ast.parse("\n".join(lines))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < 60, node.name


def test_half_of_the_files_are_short():
    lengths = sorted(len(path.read_text().splitlines()) for path in WRITTEN)
    assert lengths[len(lengths) // 2] <= 90


def test_only_settings_reads_the_environment():
    readers = ("os.environ.get", "os.getenv", "env.str(", "env.bool(", "env.int(")
    others = [path for path in WRITTEN if path != ROOT / "config" / "settings.py"]
    assert [
        path.name for path in others if any(reader in path.read_text() for reader in readers)
    ] == []


# --- Settings -------------------------------------------------------------------------------------


def test_every_setting_stands_in_the_readme():
    names = re.findall(r'env\.\w+\("([A-Z_]+)"', (ROOT / "config" / "settings.py").read_text())
    table = (ROOT / "README.md").read_text()
    assert len(names) > 15
    assert [name for name in names if f"`{name}`" not in table] == []


def test_settings_have_no_default_secret(tmp_path):
    code = "from django.conf import settings; print(settings.SECRET_KEY)"
    first = in_fresh_python(code, tmp_path / "a")
    assert first == in_fresh_python(code, tmp_path / "a")
    assert first != in_fresh_python(code, tmp_path / "b")
    assert len(first) >= 50
    assert in_fresh_python(code, tmp_path / "a", SECRET_KEY="from-outside") == "from-outside"


def test_the_secret_is_kept_from_others(tmp_path):
    mask = os.umask(0)
    try:
        assert secret_key(tmp_path / "key") == secret_key(tmp_path / "key")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_what_the_system_writes_is_kept_from_others(tmp_path):
    in_fresh_python("from django.conf import settings; settings.DEBUG", tmp_path)
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_nothing_is_open_by_default(tmp_path):
    code = (
        "from django.conf import settings as s;"
        "print(s.DEBUG, s.ALLOWED_HOSTS, s.EMAIL_BACKEND, s.SESSION_COOKIE_HTTPONLY)"
    )
    assert in_fresh_python(code, tmp_path) == (
        "False ['localhost', '127.0.0.1', '[::1]'] "
        "django.core.mail.backends.console.EmailBackend True"
    )


def test_pages_may_run_no_inline_script_or_style():
    directives = django_settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    assert directives["default-src"] == ["'none'"]
    assert directives["script-src"] == directives["style-src"] == ["'self'"]


@pytest.mark.parametrize("depth", [1, 60])
def test_the_redis_socket_fits_the_system_however_deep_its_folder(depth, tmp_path):
    path = socket_path(Path("/", *["folder"] * depth))
    assert len(str(path)) <= 107


@pytest.mark.django_db
def test_sqlite_writes_ahead_and_waits_for_others():
    if connection.vendor != "sqlite":
        pytest.skip("another database")
    options = django_settings.DATABASES["default"]["OPTIONS"]
    assert options["transaction_mode"] == "IMMEDIATE"
    assert options["timeout"] >= 10
    assert "journal_mode=WAL" in options["init_command"]


def test_a_database_file_is_in_wal_mode(tmp_path):
    code = (
        "import django; django.setup()\n"
        "from django.db import connection\n"
        "with connection.cursor() as cursor:\n"
        "    cursor.execute('PRAGMA journal_mode'); print(cursor.fetchone()[0])\n"
        "    cursor.execute('PRAGMA busy_timeout'); print(cursor.fetchone()[0])"
    )
    assert in_fresh_python(code, tmp_path).split() == ["wal", "20000"]


def test_a_database_url_leads_to_postgresql(tmp_path):
    code = (
        "from django.conf import settings as s; d = s.DATABASES['default'];"
        "print(d['ENGINE'], d['NAME'], d['CONN_HEALTH_CHECKS'])"
    )
    url = "postgres://me:secret@db.example:5433/tiebreak"
    assert in_fresh_python(code, tmp_path, DATABASE_URL=url) == ("config.postgresql tiebreak True")
