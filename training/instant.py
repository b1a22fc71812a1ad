"""The instant loop: learn what people just said, and ask what is worth most next."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import Max, QuerySet
from numpy.typing import NDArray

from inference import deployments, pipeline, predictions, rebuild, serving, weights
from inference.buckets import margins
from inference.bundle import Bundle
from inference.document_features import cached_features, document_features
from inference.document_texts import threads_of
from inference.features import Features
from inference.models import Deployment
from inference.retrieve import top
from labeling import queues, taxonomies
from labeling.models import Annotation, Document, Project, ReviewTask
from labeling.queue_filling import Doubt
from training import curation, gates, label_errors, registry, sampling, suggestions
from training.examples import overlaps_of, targets_of
from training.models import ModelVersion
from training.neighbours import Neighbours
from training.propagation import NEIGHBOURS
from training.splits import Split
from training.teaching import Lesson, Taught, teach

Ids = NDArray[np.int64]

REMEMBERED: Final = Neighbours(NEIGHBOURS + 1)  # a document is near itself
"""By this process, of the project whose head it last fitted."""

CONSIDERED: Final = 20_000
"""Open documents, closest calls first, among which the next batch is chosen: 30 MB of vectors."""

DOUBTED: Final = 0.02
MOST_DOUBTS: Final = 50
"""Share of the gold, and documents, that people are asked to check at a time: the first tell
whether the rest is worth it."""

SHOWN: Final = 5  # labels of a second opinion

POOL: Final = 2_000
AROUND: Final = 4_000
"""Open documents, evenly spread: those for whom precision is promised, known then to ±0.6 %, and
others that carry silver. Of the latter a model is a little too sure. A refit takes about a second
longer than with none."""


def refit(
    project: Project, *, now: datetime, strategy: str = "margin-kmeans", seed: int = 0
) -> ModelVersion | None:
    """Fit head and thresholds on all gold, register the bundle, deploy it, choose the next batch.

    The same gold gives the same bundle, so that running it twice, or in two workers at once, is
    running it once; of two that learn different gold the first to end serves, and the other is made
    again. Returns None without gold or taxonomy.

    Args:
        strategy: one of sampling.STRATEGIES.
        seed: of the folds and of the choice of the next batch.

    Raises:
        EncoderUnavailable: a gold text was never encoded, and the encoder is not on this machine.
    """
    champion, former = rebuild.champion_bundle(project, now=now), deployments.champion(project)
    gold = curation.gold_of(project)
    if champion is None or former is None or former.bundle != champion.digest or not len(gold):
        return None
    found = lesson_of(project, champion, gold)
    if found is None:
        return None
    ids, lesson = found
    taught = teach(
        champion,
        lesson,
        default_offset=rebuild.UNTAUGHT[champion.kind].offset,
        seed=seed,
    )
    bundle = taught.bundle.write(settings.BUNDLE_DIR)
    version = _promote(project, bundle, taught, former, gold_count=len(gold), now=now)
    asked = np.isin(ids, list(queues.checked(project)))
    queues.doubt(project, doubts_of(ids, lesson, taught, asked), now=now)
    choose_next(project, now=now, strategy=strategy, seed=seed)
    suggestions.propose(project, ids, lesson, taught, now=now)
    return version


def doubts_of(ids: Ids, lesson: Lesson, taught: Taught, asked: NDArray[np.bool_]) -> list[Doubt]:
    """Return the gold that models which had not seen it contradict most, with their opinion.

    Args:
        asked: (documents,), true where people were asked before.
    """
    bundle, targets = taught.bundle, lesson.targets
    found = label_errors.suspects(
        taught.opinions,
        targets,
        lesson.overlaps,
        multi=bundle.multi,
        asked=asked,
        most=min(MOST_DOUBTS, int(DOUBTED * len(ids))),
    )
    ranked = {each.row: top(taught.opinions[[each.row]], SHOWN)[0] for each in found}
    return [
        Doubt(
            document_id=int(ids[each.row]),
            opinion=[
                (bundle.label_ids[column], float(taught.opinions[each.row, column]))
                for column in dict.fromkeys(
                    [*ranked[each.row].tolist(), *np.flatnonzero(targets[each.row]).tolist()]
                )
            ],
            strength=each.strength,
        )
        for each in found
    ]


def lesson_of(project: Project, bundle: Bundle, gold: curation.Gold) -> tuple[Ids, Lesson] | None:
    """Return the gold as *bundle*'s encoder sees it, its ids, and the documents it is for.

    None: another version of the taxonomy was published since the bundle was made.
    """
    labels = {label.id: label for label in taxonomies.label_texts(project)}
    if labels.keys() != set(bundle.label_ids):
        return None
    ids, features = document_features(gold.ids, serving.encoder(bundle), words=True)
    labelled = dict(zip(gold.ids, gold.labels, strict=True))
    trusted = dict(zip(gold.ids, gold.trust, strict=True)) if gold.trust else {}
    pool, around = _sample_of_open(project, bundle)
    return ids, Lesson(
        gold=features,
        targets=targets_of([labelled[id_] for id_ in ids.tolist()], bundle.label_ids),
        overlaps=overlaps_of(bundle.label_ids, {pk: said.overlaps for pk, said in labels.items()}),
        pool=pool,
        around=around,
        promise=project.promised_precision,
        unseen=_unseen(project, bundle, ids),
        threads=np.array(threads_of(ids.tolist()), dtype=np.int64),
        neighbours=REMEMBERED,
        trust=np.array([trusted[id_] for id_ in ids.tolist()], np.float32) if trusted else None,
    )


def _unseen(project: Project, bundle: Bundle, ids: Ids) -> NDArray[np.bool_] | None:
    """Return which documents *bundle*'s encoder was not trained on; None: on none of any."""
    if not bundle.encoder.source.startswith(weights.KEPT):
        return None
    runs = project.model_versions.filter(origin=ModelVersion.Origin.RUN).select_related("snapshot")
    for version in runs.exclude(snapshot=None):
        if serving.load(version.bundle).encoder.digest == bundle.encoder.digest:
            rows = version.snapshot.rows if version.snapshot else []
            trained = [row[0] for row in rows if row[2] != Split.TEST]
            return ~np.isin(ids, trained)
    return np.zeros(len(ids), dtype=bool)  # nobody knows: then nothing is held out


def _sample_of_open(project: Project, bundle: Bundle) -> tuple[Features, Features]:
    """Return features of about POOL and AROUND open documents; those never encoded lack.

    From one refit to the next they are the same ones but for those that were reviewed.
    """
    ids = np.array(project.documents.open().values_list("pk", flat=True), dtype=np.int64)
    some = np.sort(ids[np.argsort(_scattered(ids))][: POOL + AROUND])
    found, features = cached_features(some.tolist(), bundle.encoder.digest, words=True)
    judges = _scattered(found) % (1 + AROUND // POOL) == 0
    return features.take(judges), features.take(~judges)


def _scattered(ids: Ids) -> Ids:
    """Return a number below 2³² for each id, evenly spread whatever the ids (Knuth, TAOCP 6.4)."""
    return ids * 2_654_435_761 % 2**32


@transaction.atomic
def _promote(
    project: Project,
    bundle: Bundle,
    taught: Taught,
    former: Deployment,
    *,
    gold_count: int,
    now: datetime,
) -> ModelVersion:
    """Register *bundle*; deploy it if its gates open and *former*, which it was made from, serves.

    Another champion was promoted, rolled back to or fitted meanwhile, and no gate compared the two:
    the next refit starts from that one.
    """
    Project.objects.select_for_update().get(pk=project.pk)
    parent = registry.version_of(project, former.bundle)
    outcomes = gates.judge(gates.INSTANT_LOOP, taught.evidence)
    version = registry.register(
        project,
        bundle.digest,
        origin=ModelVersion.Origin.INSTANT,
        metrics=taught.metrics,
        gates=outcomes,
        gold_count=gold_count,
        parent=None if parent and parent.bundle == bundle.digest else parent,
        now=now,
    )
    if version.passed and deployments.champion(project) == former:
        reason = f"Learnt from {gold_count} gold documents."
        deployments.deploy(project, bundle.digest, reason=reason, actor=None, now=now)
    return version


def choose_next(
    project: Project, *, now: datetime, strategy: str = "margin-kmeans", seed: int = 0
) -> list[int]:
    """Put the documents that teach the champion most before all others; return their ids.

    They are predicted at once, so that reviewers see what the champion says; all others follow by
    the job its deployment started.
    """
    champion = deployments.champion(project)
    if champion is None:
        return []
    bundle = serving.load(champion.bundle)
    ids = batch_of(project, bundle, now=now, strategy=strategy, seed=seed)
    predictions.predict_documents(project, ids, bundle=bundle, now=now, while_serving=True)
    queues.prioritise(project, ids, now=now)
    return ids


def batch_of(
    project: Project, bundle: Bundle, *, now: datetime, strategy: str, seed: int
) -> list[int]:
    """Return ids of the open documents to review next, as many as a refit waits for."""
    found, features = cached_features(
        considered(project, now), bundle.encoder.digest, words=bundle.lexical is not None
    )
    if not len(found):
        return []
    scores = pipeline.score(bundle, features)
    gaps = margins(scores.probabilities, bundle.thresholds)
    chosen = sampling.choose(strategy, features.vectors, gaps, project.refit_every, seed=seed)
    return [int(id_) for id_ in found[chosen]]


def considered(project: Project, now: datetime) -> QuerySet[Document] | list[int]:
    """Return the open documents nobody is looking at; the closest calls where there are many."""
    held = ReviewTask.objects.open().filter(project=project, leased_until__gt=now)
    documents = project.documents.open().exclude(pk__in=held.values("document"))
    if documents.count() <= CONSIDERED:
        return documents
    closest = project.predictions.current().filter(document__in=documents.values("pk"))
    ids = closest.order_by("margin").values_list("document", flat=True)[:CONSIDERED]
    return list(ids)


def next_work(project: Project) -> Callable[..., object] | None:
    """Return what the loop has to do now: refit, choose_next, or nothing."""
    if is_due(project):
        return refit
    chosen = ReviewTask.objects.open().filter(project=project, value__gt=1, is_known=False)
    waiting = project.documents.open().exists()
    return choose_next if waiting and not chosen.exists() else None


def is_due(project: Project) -> bool:
    """Whether people said as much as a refit waits for since the last one.

    Gold that came or went counts, imported gold too; so do decisions, for one that was taken back
    and made anew leaves as much gold as before.
    """
    documents = curation.count_gold(project)
    if not documents:
        return False
    fresh = max(abs(documents - learnt(project)), decided_since_refit(project))
    return fresh >= project.refit_every


def decided_since_refit(project: Project) -> int:
    """Return how many standing decisions were made since a head was last fitted or promoted."""
    champion = deployments.champion(project)
    refits = project.model_versions.filter(origin=ModelVersion.Origin.INSTANT)
    moments = [champion.since if champion else None, refits.aggregate(at=Max("judged_at"))["at"]]
    since = max((moment for moment in moments if moment), default=project.created_at)
    decided = Annotation.objects.standing().filter(project=project, annotated_at__gt=since)
    return decided.filter(task__is_known=False).count()


def learnt(project: Project) -> int:
    """Return how many gold documents the loop last learnt from.

    By the champion, or a later refit that was shut out, or what the champion was taken back from:
    a person who rolls back wants it to stand until more was said. One made to follow the taxonomy
    counts for nothing, so that the head is fitted again.
    """
    champion = deployments.champion(project)
    if champion is None:
        return 0
    later = project.model_versions.filter(
        origin=ModelVersion.Origin.INSTANT, registered_at__gte=champion.since
    )
    tried = later.order_by("-number").values_list("gold_count", flat=True).first()
    if tried or champion.act == Deployment.Act.REBUILT:
        return tried or 0
    last: Deployment | None = champion
    if champion.act == Deployment.Act.ROLLED_BACK:
        last = project.deployments.champions().filter(until=champion.since).first()
    version = registry.version_of(project, last.bundle) if last else None
    return version.gold_count if version else 0
