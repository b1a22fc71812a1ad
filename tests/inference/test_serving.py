import hashlib

import pytest

from inference import serving
from inference.bundle import BundleCorrupt, EncoderReference
from inference.encode import digest_of
from inference.models import Deployment
from labeling.models import Document
from tests.factories import DeploymentFactory, DocumentFactory
from tests.inference.parts import bundle_of


def fingerprints(count):
    return [hashlib.sha256(str(number).encode()).hexdigest() for number in range(count)]


def canary(share):
    return Deployment(role=Deployment.Role.CANARY, share=share, bundle="c")


CHAMPION = Deployment(role=Deployment.Role.CHAMPION, bundle="a")
SHADOW = Deployment(role=Deployment.Role.SHADOW, bundle="s")


def taken(share):
    live = [CHAMPION, canary(share), SHADOW]
    return {each for each in fingerprints(2_000) if serving.deployment_for(each, live) != CHAMPION}


def test_a_canary_takes_about_its_share():
    assert len(taken(0.25)) == pytest.approx(500, abs=80)


def test_a_growing_canary_keeps_the_documents_it_has():
    assert taken(0.1) < taken(0.3) < taken(1.0)
    assert len(taken(1.0)) == 2_000


def test_a_shadow_serves_no_document():
    assert serving.deployment_for("0" * 64, [SHADOW]) is None


@pytest.mark.django_db
@pytest.mark.parametrize("share", [0.0001, 0.3, 0.5, 1.0])
def test_the_database_agrees_on_who_serves_what(share):
    for fingerprint in fingerprints(60):
        DocumentFactory(fingerprint=fingerprint)
    live = [CHAMPION, canary(share), SHADOW]
    for deployment in live:
        served = Document.objects.filter(serving.serves(deployment, live))
        by_hand = [
            each.pk
            for each in Document.objects.all()
            if serving.deployment_for(each.fingerprint, live) is deployment
        ]
        assert sorted(served.values_list("pk", flat=True)) == sorted(by_hand)


def test_the_bundle_of_a_document_is_the_one_that_serves_it(db, settings):
    bundle = bundle_of().write(settings.BUNDLE_DIR)
    document = DocumentFactory()
    assert serving.bundle_for(document) is None
    DeploymentFactory(project=document.project, bundle=bundle.digest)
    assert serving.bundle_for(document).digest == bundle.digest


def test_a_bundle_that_is_gone_says_so():
    with pytest.raises(BundleCorrupt):
        serving.load("0" * 64)


def test_a_probe_is_kept_for_this_machine_and_encoder(settings, tmp_path):
    settings.STATE_DIR = tmp_path
    assert serving.kept_probe("a" * 64) == {}
    serving.keep_probe("a" * 64, {"engine": "bf16"})
    serving.keep_probe("b" * 64, {"engine": "fp32"})
    assert serving.kept_probe("a" * 64) == {"engine": "bf16"}


def test_a_damaged_probe_file_is_written_anew(settings, tmp_path):
    settings.STATE_DIR = tmp_path
    (tmp_path / "engine.json").write_text("{")
    assert serving.kept_probe("a" * 64) == {}
    serving.keep_probe("a" * 64, {"engine": "fp32"})
    assert serving.kept_probe("a" * 64) == {"engine": "fp32"}


@pytest.mark.slow
def test_the_first_text_loads_the_encoder_and_probes_once(settings, tmp_path):
    settings.STATE_DIR, settings.ENCODER_ENGINE = tmp_path, "auto"
    serving._loaded.cache_clear()
    source = settings.DEFAULT_ENCODER
    reference = EncoderReference(source, digest_of(source))
    warm = serving.WarmEncoder(reference)
    assert not (tmp_path / "engine.json").exists()
    assert warm.encode(["card"]).shape == (1, 384)
    assert serving.kept_probe(reference.digest)["engine"] in {"fp32", "bf16"}
    serving._loaded.cache_clear()
