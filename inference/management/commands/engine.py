import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from inference import serving
from inference.encode import EncoderUnavailable, load_encoder
from inference.engine import Probe, probe


class Command(BaseCommand):
    help = "Measure the encoder in fp32 and bf16 on this machine and remember the better one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--encoder", default=settings.DEFAULT_ENCODER, metavar="SOURCE")
        parser.add_argument("--json", action="store_true", help="one line of JSON")

    def handle(self, *, encoder: str, json: bool, **_: Any) -> None:
        try:
            loaded = load_encoder(encoder, "fp32", settings.BUNDLE_DIR)
        except EncoderUnavailable as error:
            raise CommandError(str(error)) from error
        found = probe(loaded)
        serving.keep_probe(loaded.digest, asdict(found))
        self.stdout.write(_as_json(found, loaded.digest) if json else _in_words(found))


def _as_json(found: Probe, digest: str) -> str:
    return json.dumps({"encoder": digest, **asdict(found)})


def _in_words(found: Probe) -> str:
    lines = [f"fp32: {found.fp32:.0f} documents a second"]
    if found.bf16 is None:
        lines.append("bf16: not tried, this processor does not compute it")
    else:
        lines.append(f"bf16: {found.bf16:.0f} documents a second, cosine {found.cosine:.4f}")
    if settings.ENCODER_ENGINE != "auto":
        lines.append(f"ENCODER_ENGINE is set to {settings.ENCODER_ENGINE} and decides")
    return "\n".join([*lines, f"chosen: {found.engine}"])
