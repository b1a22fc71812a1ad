"""Measure the search for near gold: how long it takes, what it misses, and the memory it needs.

Usage: python benchmarks/nearest.py [--vectors N] [--queries N] [--json]
The vectors are made up, around as many centres as a taxonomy has labels; each query is near one.
"""

import argparse
import resource
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(Path(__file__).parent), str(ROOT)]
from scratch import report, tell  # noqa: E402

from inference.nearest import Nearest  # noqa: E402

DIM = 384
CENTRES = 500
SPREAD = 1.2  # of a text around its centre: a cosine of about 0.4 between two of one label
SOUGHT = 20
AT_ONCE = 50_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--json", action="store_true", help="One JSON line.")
    options = parser.parse_args()
    chance = np.random.default_rng(0)
    centres = chance.normal(size=(CENTRES, DIM))
    queries = made(chance, centres, options.queries)
    best = np.full((options.queries, SOUGHT), -2.0)  # cosines, by looking at all
    right = np.full((options.queries, SOUGHT), -1)  # of which vectors
    before = megabytes()
    known = Nearest(DIM)
    started = time.perf_counter()
    for start in range(0, options.vectors, AT_ONCE):
        vectors = made(chance, centres, min(AT_ONCE, options.vectors - start))
        ids = np.arange(start, start + len(vectors))
        known.add(ids, vectors)
        cosines = np.concatenate([best, queries @ vectors.T], axis=1)
        order = np.argsort(-cosines, axis=1)[:, :SOUGHT]
        every = np.concatenate([right, np.broadcast_to(ids, (len(queries), len(ids)))], axis=1)
        best, right = (np.take_along_axis(each, order, axis=1) for each in (cosines, every))
        tell(f"{len(known):,} vectors")
    built = time.perf_counter() - started
    times, found = [], 0
    for query, wanted in zip(queries, right.tolist(), strict=True):
        began = time.perf_counter()
        ids, _ = known.search(query[None], SOUGHT)
        times.append(1_000 * (time.perf_counter() - began))
        found += len(set(wanted).intersection(ids[0].tolist()))
    report(
        {
            "vectors": len(known),
            "exact": known.clusters is None,
            "p50_ms": round(float(np.percentile(times, 50)), 2),
            "p95_ms": round(float(np.percentile(times, 95)), 2),
            "recall": round(found / (options.queries * SOUGHT), 4),
            "built_seconds": round(built, 1),
            "bytes_a_vector": 8 + (DIM if known.clusters is not None else 4 * DIM) + 8,
            "most_megabytes": round(megabytes() - before),
        },
        as_json=options.json,
    )


def made(chance: np.random.Generator, centres: np.ndarray, count: int) -> np.ndarray:
    """Return (count, DIM) unit vectors around *centres*."""
    rows = centres[chance.integers(len(centres), size=count)]
    rows = rows + SPREAD * chance.normal(size=(count, DIM))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def megabytes() -> float:
    """Return the most memory this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
