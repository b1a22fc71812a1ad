"""Everything people and machines say about documents."""

from labeling.models.audit import AuditEntry
from labeling.models.comments import Comment
from labeling.models.documents import Document
from labeling.models.evidence import Evidence
from labeling.models.gold import GoldLabel, MovedGold
from labeling.models.jobs import Job
from labeling.models.people import KeyMap
from labeling.models.predictions import Candidate, Prediction
from labeling.models.projects import Membership, Project
from labeling.models.review import Annotation, ReviewQueue, ReviewTask, TaskSkip
from labeling.models.saved_views import SavedView
from labeling.models.taxonomy import (
    DraftAct,
    Exclusion,
    FoundProposal,
    Label,
    LabelEdition,
    Overlap,
    ProposalAnswer,
    TaxonomyVersion,
)

__all__ = [
    "Annotation",
    "AuditEntry",
    "Candidate",
    "Comment",
    "Document",
    "DraftAct",
    "Evidence",
    "Exclusion",
    "FoundProposal",
    "GoldLabel",
    "Job",
    "KeyMap",
    "Label",
    "LabelEdition",
    "Membership",
    "MovedGold",
    "Overlap",
    "Prediction",
    "Project",
    "ProposalAnswer",
    "ReviewQueue",
    "ReviewTask",
    "SavedView",
    "TaskSkip",
    "TaxonomyVersion",
]
