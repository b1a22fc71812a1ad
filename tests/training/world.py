"""A small project whose documents say their label in words its text lacks."""

import uuid

import numpy as np
from django.utils import timezone

from inference import deployments, rebuild
from inference.head import Head
from inference.retrieve import unit
from inference.vectors import store
from labeling import annotations, queues, taxonomies
from labeling.models import Document
from tests.factories import (
    DocumentFactory,
    GoldLabelFactory,
    LabelFactory,
    ProjectFactory,
    TaxonomyVersionFactory,
)
from tests.inference.parts import ENCODER, bundle_of

NOW = timezone.now()


class World:
    """A project of three labels whose documents say it in words their label's text lacks."""

    def __init__(self, settings, documents=90, kind="single"):
        self.project = ProjectFactory(refit_every=10, kind=kind)
        TaxonomyVersionFactory(project=self.project)
        self.labels = LabelFactory.create_batch(3, project=self.project)
        self.documents = DocumentFactory.create_batch(documents, project=self.project)
        self.which = np.arange(documents) % 3
        rng = np.random.default_rng(0)
        rows = np.zeros((documents, 8))
        rows[np.arange(documents), self.which] = 0.4
        rows[np.arange(documents), 4 + self.which] = 0.8
        self.vectors = unit((rows + 0.15 * rng.normal(size=rows.shape)).astype(np.float32))
        store([each.pk for each in self.documents], self.vectors, ENCODER)
        bundle = self.bundle(settings, kind=kind)
        deployments.deploy(self.project, bundle.digest, reason="", actor=None, now=NOW)

    def bundle(self, settings, **parts):
        return bundle_of(
            [label.pk for label in self.labels],
            labels=rebuild.vector_texts(taxonomies.label_texts(self.project)),
            label_vectors=np.eye(3, 8, dtype=np.float32),
            head=Head.zero(3, 8),
            **parts,
        ).write(settings.BUNDLE_DIR)

    def right_label(self, document):
        return self.labels[self.which[self.documents.index(document)]]

    def settle(self, *places, label="right"):
        """Make the documents at *places* gold, as a trusted source would."""
        for place in places:
            document = self.documents[place]
            settled = self.right_label(document) if label == "right" else label
            GoldLabelFactory(document=document, label=settled)
            Document.objects.filter(pk=document.pk).update(gold_at=NOW)

    def review(self, reviewer, count):
        """Have *reviewer* answer *count* tasks at the desk."""
        for _ in range(count):
            task = queues.lease_next(self.project, reviewer, now=timezone.now())
            annotations.annotate(
                task,
                reviewer=reviewer,
                labels=[self.right_label(task.document)],
                key=uuid.uuid4(),
                now=timezone.now(),
            )


def champion(project):
    return deployments.champion(project).bundle
