"""Choose what the encoder computes in: bf16 where it is faster and says the same."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray

LOWEST_COSINE: Final = 0.998
"""bf16 is used only where each text's vector stays this close to its fp32 vector."""

_SENTENCES: Final = (
    "The payment of {} was taken from my card twice, please send one of them back.",
    "Invoice {} shows the old address although we told you about the move in spring.",
    "Since the update number {} the application closes by itself when I open a report.",
    "Could you tell me when order {} will arrive and whether it can still be changed?",
)
_TEXTS: Final = [
    " ".join(sentence.format(1000 + 7 * text + part) for part, sentence in enumerate(_SENTENCES))
    for text in range(16)
]
"""Sixteen texts of about 90 tokens: well under a second in fp32 on one slow core."""


class Encodes(Protocol):
    """An encoder that can be tried in another engine: encode.Encoder."""

    def copy_in(self, engine: str) -> Self:
        """Return a copy that computes in "bf16" or "fp32"."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors, (texts, dim), float32."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What was found on this machine.

    supported: whether the processor or GPU computes bf16 natively.
    fp32, bf16: documents a second; bf16 is None where it was not tried.
    cosine: the lowest between a text's two vectors, in [-1, 1]; None where bf16 was not tried.
    engine: "fp32" or "bf16".
    """

    supported: bool
    fp32: float
    bf16: float | None
    cosine: float | None
    engine: str


def probe(encoder: Encodes) -> Probe:
    """Time *encoder*, which must be in fp32, against a copy in bf16, and compare their vectors."""
    plain, fp32 = _timed(encoder)
    if not supports_bf16():
        return Probe(supported=False, fp32=fp32, bf16=None, cosine=None, engine="fp32")
    rounded, bf16 = _timed(encoder.copy_in("bf16"))
    cosine = float(np.min(np.sum(plain * rounded, axis=1)))
    return Probe(
        supported=True, fp32=fp32, bf16=bf16, cosine=cosine, engine=choose(fp32, bf16, cosine)
    )


def choose(fp32: float, bf16: float, cosine: float) -> str:
    """Return the engine for these speeds, in documents a second, and lowest cosine."""
    return "bf16" if bf16 > fp32 and cosine >= LOWEST_COSINE else "fp32"


def supports_bf16() -> bool:
    """Whether this machine has instructions for bf16; without them it is far slower than fp32."""
    import torch

    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    cpu = torch.cpu
    return bool(cpu._is_avx512_bf16_supported() or cpu._is_amx_tile_supported())


def _timed(encoder: Encodes) -> tuple[NDArray[np.float32], float]:
    """Return the vectors of the probe's texts and how many texts a second it took."""
    encoder.encode(_TEXTS[:2])  # the first call sets up kernels
    started = time.perf_counter()
    vectors = encoder.encode(_TEXTS)
    return vectors, len(_TEXTS) / (time.perf_counter() - started)
