import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = ["apps", "tasks", "jobs", "deployments", "serving", "predictions", "backlog", "rebuild"]


@pytest.mark.parametrize("module", MODULES)
def test_what_the_web_process_may_import_brings_no_tensor_library(module, tmp_path):
    code = (
        f"import django, sys; django.setup(); import inference.{module};"
        "print(*({'torch', 'faiss', 'transformers', 'sentence_transformers'} & set(sys.modules)))"
    )
    known = {"DJANGO_SETTINGS_MODULE": "config.settings", "STATE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **known},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.returncode) == ("", 0), done.stderr
