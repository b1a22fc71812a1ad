"""Put folders of files in place, whole and lasting."""

import os
import tempfile
from pathlib import Path


def put(folder: Path, target: Path) -> None:
    """Rename *folder* to *target*, its files on disk before anybody sees them there.

    Where *target* exists another writer was first, with the same content, and theirs stays.
    """
    for path in (*folder.rglob("*"), folder):
        _sync(path)
    try:
        folder.rename(target)
    except OSError:
        if not target.is_dir():
            raise
    _sync(target.parent)


def set_aside(target: Path) -> None:
    """Move a damaged folder out of the way of a good one, kept for whoever looks into it."""
    aside = tempfile.mkdtemp(dir=target.parent, prefix=f".damaged-{target.name[:12]}-")
    target.rename(Path(aside) / target.name)


def _sync(path: Path) -> None:
    """Have the system write *path* to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
