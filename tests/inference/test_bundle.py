import json
import threading

import numpy as np
import pytest
from safetensors.numpy import save

from inference.buckets import Thresholds
from inference.bundle import Bundle, BundleCorrupt, digest_of_files
from inference.calibrate import Calibration
from inference.head import Head
from tests.inference.parts import bundle_of, label_text


@pytest.mark.parametrize("kind", ["single", "multi"])
def test_a_bundle_reads_back_as_it_was_written(kind, tmp_path):
    bundle = bundle_of(
        (7, 9),
        kind=kind,
        labels=(label_text(7, "Kärte", "weg", ["gestohlen"]), label_text(9, "卡")),
        head=Head(np.full((2, 4), 0.5, np.float32), np.array([1, -1], np.float32), 18.0),
        calibration=Calibration(0.7, 3.0, (1.1, 0.6, 0.5)),
        thresholds=Thresholds(0.93, 4.5, (0.4, 0.6) if kind == "multi" else ()),
        taxonomy_number=12,
    ).write(tmp_path)
    read = Bundle.read(tmp_path, bundle.digest)
    assert (read.head.delta == bundle.head.delta).all()
    assert (read.head.bias == bundle.head.bias).all()
    assert (read.label_vectors == bundle.label_vectors).all()
    for name in ("kind", "encoder", "labels", "calibration", "thresholds", "taxonomy_number"):
        assert getattr(read, name) == getattr(bundle, name)
    assert (read.head.scale, read.digest) == (18.0, bundle.digest)
    assert (read.label_ids, read.label_keys) == ((7, 9), ("label-7", "label-9"))


def test_the_same_content_has_the_same_digest_and_another_another(tmp_path):
    first = bundle_of().write(tmp_path)
    assert bundle_of().write(tmp_path).digest == first.digest
    assert bundle_of(taxonomy_number=2).write(tmp_path).digest != first.digest
    assert len(list(tmp_path.iterdir())) == 2


def test_a_damaged_bundle_is_written_again_and_the_damage_kept_aside(tmp_path):
    bundle = bundle_of().write(tmp_path)
    tensors = tmp_path / bundle.digest / "tensors.safetensors"
    tensors.write_bytes(b"")  # what a power cut may leave

    assert bundle_of().write(tmp_path).digest == bundle.digest
    assert Bundle.read(tmp_path, bundle.digest).digest == bundle.digest
    (aside,) = tmp_path.glob(".damaged-*")
    assert (aside / bundle.digest / "tensors.safetensors").stat().st_size == 0


def test_writers_at_once_leave_one_whole_bundle(tmp_path):
    digests = []
    threads = [
        threading.Thread(target=lambda: digests.append(bundle_of().write(tmp_path).digest))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(digests) == 8
    assert {path.name for path in tmp_path.iterdir()} == set(digests)
    Bundle.read(tmp_path, digests[0])


@pytest.mark.parametrize("name", ["manifest.json", "tensors.safetensors"])
def test_one_changed_byte_is_noticed(name, tmp_path):
    digest = bundle_of().write(tmp_path).digest
    path = tmp_path / digest / name
    content = bytearray(path.read_bytes())
    content[-2] ^= 1
    path.write_bytes(content)
    with pytest.raises(BundleCorrupt, match="changed after it was written"):
        Bundle.read(tmp_path, digest)


def test_a_missing_bundle_says_so(tmp_path):
    with pytest.raises(BundleCorrupt, match="cannot be read"):
        Bundle.read(tmp_path, "0" * 64)


def test_files_that_are_no_bundle_are_refused_even_under_their_own_digest(tmp_path):
    files = {
        "manifest.json": json.dumps({"format": 99}).encode(),
        "tensors.safetensors": save({"x": np.zeros(1, np.float32)}),
    }
    digest = digest_of_files(files)
    (tmp_path / digest).mkdir()
    for name, content in files.items():
        (tmp_path / digest / name).write_bytes(content)
    with pytest.raises(BundleCorrupt, match="not understood: format 99"):
        Bundle.read(tmp_path, digest)


@pytest.mark.parametrize(
    "parts",
    [
        {"head": Head.zero(2, 4)},
        {"labels": (label_text(1),)},
        {"thresholds": Thresholds(per_label=(0.5,) * 3)},
        {"kind": "multi", "thresholds": Thresholds()},
    ],
    ids=["head", "labels", "thresholds of a multi-label bundle", "no thresholds"],
)
def test_parts_that_speak_of_different_labels_are_refused(parts):
    with pytest.raises(ValueError, match=r"match|labels|threshold"):
        bundle_of((1, 2, 3), **parts)
