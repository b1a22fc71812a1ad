"""An installation that is thrown away after a benchmark."""

import os
import sys
from pathlib import Path


def set_up(folder: Path) -> None:
    """Make an empty installation in *folder*; nothing of the real one is touched."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    os.environ["STATE_DIR"] = str(folder)
    os.environ["REDIS_URL"] = "memory://localhost"  # what is sent to workers stays unheard
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in a worker
    for name in ("DATABASE_URL", "BUNDLE_DIR"):
        os.environ.pop(name, None)
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
