"""What a training run tries, in plain values: pages read this without torch."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, NamedTuple, Self

VERSION: Final = 1
"""Of the form in which recipes are kept; another one is refused."""

FEWEST = 20  # gold documents below which neither training nor evaluation says anything


class BadRecipe(ValueError):
    """A recipe cannot be followed; the message names the field and the remedy."""


class Stage(NamedTuple):
    """One part of a recipe: a lever that is pulled, and kept where it helps."""

    title: str
    does: str


STAGES: Final[Mapping[str, Stage]] = {
    "silver": Stage(
        "Silver for the head",
        "The head also learns what gold says of the open documents near it.",
    ),
    "fine_tune": Stage(
        "Fine-tuning",
        "The encoder learns to put documents near their right labels.",
    ),
    "adapt": Stage(
        "Adaptation to your language",
        "Before it is fine-tuned, the encoder learns to guess masked words of your documents.",
    ),
    "hard_negatives": Stage(
        "Hard negatives",
        "Labels that are easily mistaken for the right one are pushed away harder.",
    ),
    "hierarchy": Stage(
        "Hierarchy weights",
        "Siblings of the right label are pushed away harder than distant labels.",
    ),
    "parents": Stage(
        "Parents, too",
        "The encoder also learns which part of the tree a document belongs to.",
    ),
    "distil": Stage(
        "Distillation",
        "The encoder also learns what a cross-encoder, which reads document and label together, "
        "thinks of the closest calls.",
    ),
    "self_train": Stage(
        "Self-training",
        "The encoder is fine-tuned on silver of open documents, too.",
    ),
    "rerank": Stage(
        "A second look",
        "A cross-encoder reads each close call together with its likeliest labels; where documents "
        "have several, with those in doubt. It costs time with every document that it reads.",
    ),
}
"""In the order in which they are tried; each builds on those that were kept before it."""

ENCODER: Final = frozenset(STAGES) - {"silver", "rerank"}
"""Stages that fine-tune the encoder, each in its own way; the others leave it as it is."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a challenger is made.

    stages: names of STAGES, in their order.
    epochs: passes over the training documents, at most.
    batch: documents in a step.
    rate: peak learning rate of AdamW; it warms up over a tenth of the steps, then falls linearly.
    renewed: labels embedded with gradient in a step, at most; see fine_tune.renewed_in.
    document_weight: weight of the document-document term.
    scale: multiplies cosines in the loss; 20 is a temperature of 0.05.
    evenness: of the hierarchy weights: ε in 1 / (tree distance + ε); larger is more even.
    harder: times that a hard negative is pushed as hard as another.
    patience: evaluations without a better Hit@5 after which training stops.
    evaluations: evaluations, each with a checkpoint, in an epoch.
    cross_encoder: from which the second look starts: a folder, or an id in this machine's Hugging
        Face cache; empty for the encoder as the stages before left it.
    rerank_documents: closest calls the cross-encoder learns from, at most; a hundred take a minute
        or two on two cores.
    rerank_epochs: its passes over them.
    distil_documents: closest calls of which the encoder learns what a cross-encoder thinks.
    distil_weight: weight of that term.
    """

    stages: tuple[str, ...] = ("fine_tune",)
    epochs: int = 3
    batch: int = 32
    rate: float = 5e-5
    renewed: int = 16
    document_weight: float = 0.5
    scale: float = 20.0
    evenness: float = 1.0
    harder: float = 3.0
    patience: int = 3
    evaluations: int = 2
    cross_encoder: str = ""
    rerank_documents: int = 600
    rerank_epochs: int = 1
    distil_documents: int = 1_000
    distil_weight: float = 1.0

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Self:
        """Return the recipe of *values*, what is absent as usual.

        Raises:
            BadRecipe: a field is unknown, out of its range, or of another version.
        """
        known = {field.name for field in fields(cls)}
        given = dict(values)
        if (version := given.pop("version", VERSION)) != VERSION:
            raise BadRecipe(f"version: {version}; this code reads {VERSION}. Save the recipe anew.")
        if unknown := sorted(given.keys() - known):
            raise BadRecipe(f"{unknown[0]}: unknown; a recipe has {', '.join(sorted(known))}.")
        for name, (least, most) in RANGES.items():
            _within(name, given.get(name, least), least, most)
        stages = given.get("stages", cls().stages)
        listed = isinstance(stages, list | tuple) and all(isinstance(name, str) for name in stages)
        if not listed or not stages or not set(stages) <= STAGES.keys():
            raise BadRecipe(f"stages: {stages!r}; a list of at least one of {', '.join(STAGES)}.")
        if not isinstance(given.get("cross_encoder", ""), str):
            raise BadRecipe(
                f"cross_encoder: {given['cross_encoder']!r}; a folder or an id, as text."
            )
        return cls(**given | {"stages": tuple(name for name in STAGES if name in stages)})

    def as_json(self) -> dict[str, Any]:
        """Return what `read` understands."""
        return {"version": VERSION, **asdict(self), "stages": list(self.stages)}


RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "epochs": (1, 100),
    "batch": (2, 1024),
    "rate": (1e-9, 0.1),
    "renewed": (1, 1024),
    "document_weight": (0.0, 10.0),
    "scale": (1.0, 1000.0),
    "evenness": (0.01, 1000.0),
    "harder": (1.0, 1000.0),
    "patience": (1, 1000),
    "evaluations": (1, 100),
    "rerank_documents": (1, 1_000_000),
    "rerank_epochs": (1, 100),
    "distil_documents": (1, 1_000_000),
    "distil_weight": (0.0, 100.0),
}
"""Field to its least and greatest value; whole numbers where these are."""


class Lever(NamedTuple):
    """A field of a recipe that a trial moves. values: what is usually tried; needs: a stage."""

    title: str
    values: tuple[float, ...]
    needs: str = ""


LEVERS: Final[Mapping[str, Lever]] = {
    "scale": Lever("Temperature (1 / scale)", (10.0, 30.0, 50.0)),
    "document_weight": Lever("Weight of the document-document term", (0.0, 0.25, 1.0)),
    "renewed": Lever("Labels embedded anew in a step", (4, 32, 64)),
    "rate": Lever("Learning rate", (2e-5, 1e-4)),
    "harder": Lever("Push of hard negatives", (1.5, 6.0), needs="hard_negatives"),
    "evenness": Lever("Evenness of hierarchy weights", (0.25, 4.0), needs="hierarchy"),
}


RECIPES: Final[Mapping[str, Recipe]] = {
    "default": Recipe(),
    "full": Recipe(stages=tuple(STAGES)),
}


def name_of(stage: str) -> str:
    """Return what a run says while it tries *stage*."""
    return f"Stage: {STAGES[stage].title}"


def named(name: str) -> Recipe:
    """Return a recipe by its name.

    Raises:
        BadRecipe: there is none.
    """
    if name not in RECIPES:
        raise BadRecipe(f"There is no recipe {name}; there are {' and '.join(RECIPES)}.")
    return RECIPES[name]


def _within(name: str, value: object, least: float, most: float) -> None:
    whole = isinstance(least, int)
    kind = "a whole number" if whole else "a number"
    number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not number or not least <= value <= most:  # type: ignore[operator]
        raise BadRecipe(f"{name}: {value!r}; {kind} from {least:g} to {most:g}.")
