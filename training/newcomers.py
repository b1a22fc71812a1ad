"""Documents that are likely of a label that is new: offered first, so that it soon has gold."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import numpy as np

from inference import deployments, pipeline, predictions, serving
from inference.bundle import Bundle, BundleCorrupt
from inference.document_features import cached_features
from labeling import queues
from labeling.models import GoldLabel, Project
from training.instant import considered

LIKELY: Final = 20  # documents of each new label
MOST: Final = 10
"""New labels looked for at once: more come with a whole taxonomy, which is reviewed as ever."""


def offer(project: Project, former: str, *, now: datetime) -> list[int]:
    """Put the documents likeliest of labels that bundle *former* did not know before all others.

    They come on top of the chosen batch, which stays. Returns their ids.
    """
    champion = deployments.champion(project)
    if champion is None:
        return []
    bundle = serving.load(champion.bundle)
    try:
        known = set(serving.load(former).label_ids)
    except BundleCorrupt:  # its files are gone: nobody knows what is new
        return []
    new = [label for label in bundle.label_ids if label not in known]
    with_gold = GoldLabel.objects.gold().filter(label__in=new).values_list("label", flat=True)
    new = [label for label in new if label not in set(with_gold)]
    if not 0 < len(new) <= MOST:
        return []
    ids = likeliest(project, bundle, new, now=now)
    predictions.predict_documents(project, ids, bundle=bundle, now=now, while_serving=True)
    chosen = project.tasks.open().filter(value__gt=1, is_known=False).most_valuable_first()
    before = [pk for pk in chosen.values_list("document", flat=True) if pk not in set(ids)]
    queues.prioritise(project, [*ids, *before], now=now)
    return ids


def likeliest(project: Project, bundle: Bundle, labels: list[int], *, now: datetime) -> list[int]:
    """Return ids of LIKELY open documents for each of *labels*, likeliest first, turn by turn."""
    ids, features = cached_features(
        considered(project, now), bundle.encoder.digest, words=bundle.lexical is not None
    )
    if not len(ids):
        return []
    columns = [bundle.label_ids.index(label) for label in labels]
    chances = pipeline.score(bundle, features).probabilities[:, columns]  # (documents, new labels)
    best = np.argsort(-chances, axis=0, kind="stable")[:LIKELY]
    return [int(pk) for pk in dict.fromkeys(ids[best.ravel()].tolist())]
