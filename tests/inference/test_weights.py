import shutil

import pytest

from inference import weights
from inference.weights import KEPT, PACKAGED, EncoderUnavailable, digest_of, directory_of, keep


@pytest.fixture
def trained(tmp_path):
    """A folder such as training leaves behind, with weights of no meaning."""
    folder = tmp_path / "trained"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "config.json").write_text("{}")
    return folder


def test_the_packaged_weights_are_the_published_ones():
    assert len(digest_of(PACKAGED)) == 64


def test_packaged_weights_that_differ_are_refused(monkeypatch):
    monkeypatch.setattr(weights, "PACKAGED_SHA256", "0" * 64)
    with pytest.raises(EncoderUnavailable, match="not those of"):
        digest_of(PACKAGED)


def test_the_digest_follows_the_content_and_not_the_folder(trained, tmp_path):
    copy = shutil.copytree(trained, tmp_path / "copy")
    assert digest_of(str(copy)) == digest_of(str(trained))
    (copy / "config.json").write_text('{"layers": 2}')
    assert digest_of(str(copy)) != digest_of(str(trained))


def test_a_trained_encoder_is_kept_once_and_found_by_its_source(trained, tmp_path):
    source = keep(trained, tmp_path / "bundles")
    assert keep(trained, tmp_path / "bundles") == source
    assert source == f"{KEPT}{digest_of(str(trained))}"
    kept = directory_of(source, tmp_path / "bundles")
    assert (kept / "model.safetensors").read_bytes() == b"weights"
    assert len(list(kept.parent.iterdir())) == 1


def test_a_kept_encoder_that_was_changed_is_refused(trained, tmp_path):
    source = keep(trained, tmp_path)
    (directory_of(source, tmp_path) / "model.safetensors").write_bytes(b"other")
    with pytest.raises(EncoderUnavailable, match="changed after"):
        digest_of(source, tmp_path)


def test_pickled_weights_are_refused(trained):
    (trained / "model.safetensors").rename(trained / "pytorch_model.bin")
    with pytest.raises(EncoderUnavailable, match="unpickled"):
        digest_of(str(trained))


@pytest.mark.parametrize(
    "source",
    ["/no/such/folder", f"{KEPT}abc", f"{KEPT}../../etc", "nobody/no-such-model-anywhere"],
)
def test_an_encoder_that_is_not_here_says_so(source, tmp_path):
    with pytest.raises(EncoderUnavailable):
        directory_of(source, tmp_path)


def test_the_hub_is_never_asked_and_the_message_says_what_to_do():
    with pytest.raises(EncoderUnavailable, match="the hub is never asked; download it beforehand"):
        directory_of("nobody/no-such-model-anywhere")
