"""Batches of documents of like length: short texts are not padded to the longest of the set."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sentence_transformers.base.sampler import DefaultBatchSampler

POOL = 16  # batches sorted together: large enough to cut padding, small enough to keep chance


class LengthBatchSampler(DefaultBatchSampler):
    """Shuffle, sort by length within pools of batches, shuffle the batches.

    The order depends on seed and epoch alone, so that a resumed run skips exactly what it had seen.
    """

    def __init__(self, dataset: Any, **options: Any) -> None:
        super().__init__(dataset, **options)
        self.lengths = np.array([len(text) for text in dataset["text"]])
        self.epoch = 0

    def __len__(self) -> int:
        whole, rest = divmod(len(self.lengths), self.batch_size)
        return whole + bool(rest and not self.drop_last)

    def __iter__(self) -> Iterator[list[int]]:
        rng = np.random.default_rng([self.seed, self.epoch])
        order = rng.permutation(len(self.lengths))
        size = self.batch_size * POOL
        pools = [order[start : start + size] for start in range(0, len(order), size)]
        ordered = np.concatenate(
            [pool[np.argsort(self.lengths[pool], kind="stable")] for pool in pools]
        )
        starts = range(0, len(ordered), self.batch_size)
        batches = [ordered[start : start + self.batch_size].tolist() for start in starts]
        if self.drop_last:
            batches = [batch for batch in batches if len(batch) == self.batch_size]
        for place in rng.permutation(len(batches)):
            yield batches[place]
