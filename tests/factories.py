"""One factory per model, each building the smallest valid row."""

import uuid

import factory
from django.contrib.auth.models import User
from django.utils import timezone
from factory.django import DjangoModelFactory

from inference.models import Deployment
from labeling.models import (
    Annotation,
    Document,
    Evidence,
    Exclusion,
    GoldLabel,
    Job,
    Label,
    Membership,
    Overlap,
    Prediction,
    Project,
    ReviewQueue,
    ReviewTask,
    SavedView,
    TaxonomyVersion,
)
from training.models import ModelVersion, TrainingRun


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User

    username = factory.Sequence("person-{}".format)
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.org")


class ProjectFactory(DjangoModelFactory[Project]):
    class Meta:
        model = Project
        django_get_or_create = ["slug"]

    slug = "support"
    name = "Support mail"
    created_at = factory.LazyFunction(timezone.now)


class MembershipFactory(DjangoModelFactory[Membership]):
    class Meta:
        model = Membership

    project = factory.SubFactory(ProjectFactory)
    user = factory.SubFactory(UserFactory)
    role = Membership.Role.REVIEWER


class TaxonomyVersionFactory(DjangoModelFactory[TaxonomyVersion]):
    class Meta:
        model = TaxonomyVersion
        django_get_or_create = ["project", "number"]

    project = factory.SubFactory(ProjectFactory)
    number = 1
    published_at = factory.LazyFunction(timezone.now)


class LabelFactory(DjangoModelFactory[Label]):
    class Meta:
        model = Label

    project = factory.SubFactory(ProjectFactory)
    key = factory.Sequence("label-{}".format)
    name = factory.LazyAttribute(lambda label: label.key.title())


class ExclusionFactory(DjangoModelFactory[Exclusion]):
    class Meta:
        model = Exclusion

    label = factory.SubFactory(LabelFactory)
    situation = "money not yet sent"


class OverlapFactory(DjangoModelFactory[Overlap]):
    class Meta:
        model = Overlap

    first = factory.SubFactory(LabelFactory)
    second = factory.SubFactory(LabelFactory)


class DocumentFactory(DjangoModelFactory[Document]):
    class Meta:
        model = Document

    project = factory.SubFactory(ProjectFactory)
    external_id = factory.Sequence("mail-{}".format)
    subject = "My card"
    text = factory.Sequence("My card was charged {} times.".format)
    fingerprint = factory.Sequence("{:064x}".format)
    imported_at = factory.LazyFunction(timezone.now)


class PredictionFactory(DjangoModelFactory[Prediction]):
    class Meta:
        model = Prediction

    document = factory.SubFactory(DocumentFactory)
    project = factory.SelfAttribute("document.project")
    bundle = "a" * 64
    taxonomy_version = factory.SubFactory(
        TaxonomyVersionFactory, project=factory.SelfAttribute("..project")
    )
    bucket = Prediction.Bucket.REVIEW
    margin = 0.5
    probability = 0.6
    candidates = factory.LazyFunction(list)
    latency = 1.0
    predicted_at = factory.LazyFunction(timezone.now)


class EvidenceFactory(DjangoModelFactory[Evidence]):
    class Meta:
        model = Evidence

    prediction = factory.SubFactory(PredictionFactory)
    gathered_at = factory.LazyFunction(timezone.now)


class ReviewQueueFactory(DjangoModelFactory[ReviewQueue]):
    class Meta:
        model = ReviewQueue
        django_get_or_create = ["project", "reason"]

    project = factory.SubFactory(ProjectFactory)
    reason = ReviewQueue.Reason.AMBIGUOUS


class ReviewTaskFactory(DjangoModelFactory[ReviewTask]):
    class Meta:
        model = ReviewTask

    document = factory.SubFactory(DocumentFactory)
    project = factory.SelfAttribute("document.project")
    queue = factory.SubFactory(ReviewQueueFactory, project=factory.SelfAttribute("..project"))
    prediction = factory.SubFactory(PredictionFactory, document=factory.SelfAttribute("..document"))
    created_at = factory.LazyFunction(timezone.now)


class AnnotationFactory(DjangoModelFactory[Annotation]):
    class Meta:
        model = Annotation

    task = factory.SubFactory(ReviewTaskFactory)
    project = factory.SelfAttribute("task.project")
    reviewer = factory.SubFactory(UserFactory)
    kind = Annotation.Kind.ACCEPTED
    key = factory.LazyFunction(uuid.uuid4)
    annotated_at = factory.LazyFunction(timezone.now)


class GoldLabelFactory(DjangoModelFactory[GoldLabel]):
    class Meta:
        model = GoldLabel

    document = factory.SubFactory(DocumentFactory)
    project = factory.SelfAttribute("document.project")
    label = factory.SubFactory(LabelFactory, project=factory.SelfAttribute("..project"))
    granted_at = factory.LazyFunction(timezone.now)


class JobFactory(DjangoModelFactory[Job]):
    class Meta:
        model = Job

    project = factory.SubFactory(ProjectFactory)
    kind = Job.Kind.IMPORT_DOCUMENTS
    created_at = factory.LazyFunction(timezone.now)


class DeploymentFactory(DjangoModelFactory[Deployment]):
    class Meta:
        model = Deployment

    project = factory.SubFactory(ProjectFactory)
    bundle = "a" * 64
    since = factory.LazyFunction(timezone.now)


class SavedViewFactory(DjangoModelFactory[SavedView]):
    class Meta:
        model = SavedView

    project = factory.SubFactory(ProjectFactory)
    name = factory.Sequence("View {}".format)
    query = "gold=no"
    made_at = factory.LazyFunction(timezone.now)


class TrainingRunFactory(DjangoModelFactory[TrainingRun]):
    class Meta:
        model = TrainingRun

    project = factory.SubFactory(ProjectFactory)
    created_at = factory.LazyFunction(timezone.now)


class ModelVersionFactory(DjangoModelFactory[ModelVersion]):
    class Meta:
        model = ModelVersion

    project = factory.SubFactory(ProjectFactory)
    number = factory.Sequence(lambda n: n + 1)
    bundle = factory.Sequence("{:064x}".format)
    origin = ModelVersion.Origin.INSTANT
    registered_at = factory.LazyFunction(timezone.now)
