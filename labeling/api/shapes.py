"""What goes into the API and comes out of it, checked on the way in; the schema is made of it."""

from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers

from labeling import taxonomies
from labeling.document_fields import clean
from labeling.models import Annotation, Label, Project, ReviewQueue
from labeling.prepared import is_row_number

KEY_LENGTH = 200  # characters
MOST = 20  # tasks leased at once


class Refusal(serializers.Serializer[Any]):
    """Why nothing was done, in a sentence."""

    detail = serializers.CharField()


class Credentials(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=4_096, trim_whitespace=False)


class Token(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="Shown this once.")
    expires_at = serializers.DateTimeField()


class LabelShape(serializers.Serializer[Any]):
    """A label that may be given."""

    id = serializers.IntegerField()
    key = serializers.CharField()
    name = serializers.CharField()
    path = serializers.CharField(help_text="The names above it, topmost first.")
    description = serializers.CharField()
    aliases = serializers.ListField(child=serializers.CharField(), help_text="Other names of it.")
    one_of = serializers.ListField(
        child=serializers.IntegerField(),
        help_text="Ids from the outermost label that lets only one below it be given, down to the "
        "parent; empty where there is none. Of two labels with the same first id, only one is "
        "given, but for a label and one above it.",
    )


class Order(serializers.Serializer[Any]):
    """How many tasks, and from which queue; from all of them by default."""

    count = serializers.IntegerField(min_value=1, max_value=MOST, default=1)
    queue = serializers.ChoiceField(
        ReviewQueue.Reason.choices,
        required=False,
        allow_null=True,
        default=None,
        error_messages={"invalid_choice": f"One of {', '.join(ReviewQueue.Reason.values)}."},
    )


class CandidateShape(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="Of the label.")
    key = serializers.CharField()
    name = serializers.CharField()
    probability = serializers.FloatField(allow_null=True, help_text="Calibrated, in [0, 1].")


class DocumentShape(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="As it was imported.")
    subject = serializers.CharField()
    text = serializers.CharField()
    metadata = serializers.JSONField()


class TaskShape(serializers.Serializer[Any]):
    """A task you hold until `leased_until`, with what the card at the desk shows of it."""

    id = serializers.IntegerField()
    queue = serializers.ChoiceField(ReviewQueue.Reason.choices)
    why = serializers.CharField(help_text="Why it is here, in words.")
    leased_until = serializers.DateTimeField()
    document = DocumentShape()
    candidates = CandidateShape(many=True, help_text="Best first.")
    suggested = serializers.ListField(
        child=serializers.IntegerField(), help_text="Ids of the labels that Enter accepts."
    )


class Tasks(serializers.Serializer[Any]):
    tasks = TaskShape(many=True, help_text="Fewer than asked for, or none, where no more wait.")


class Lease(serializers.Serializer[Any]):
    task = serializers.IntegerField()
    leased_until = serializers.DateTimeField()


class Decision(serializers.Serializer[Any]):
    """One judgement of one task. Needs `project` in its context."""

    labels = serializers.ListField(
        child=serializers.JSONField(),
        max_length=1_000,
        help_text="Ids (numbers) or keys (texts) of labels; none with the kind none_fits.",
    )
    kind = serializers.ChoiceField(
        Annotation.Kind.choices,
        required=False,
        error_messages={"invalid_choice": f"One of {', '.join(Annotation.Kind.values)}."},
        help_text="none_fits with no labels; independent where the candidates were not looked at. "
        "Whether a suggestion was accepted or corrected is found from the labels.",
    )
    key = serializers.CharField(
        max_length=KEY_LENGTH,
        help_text="Yours, a new one for each decision: sent twice, it is one. A UUID is usual.",
    )

    def validate_labels(self, given: list[Any]) -> list[Label]:
        project: Project = self.context["project"]
        return named(project, given)

    def validate_key(self, key: str) -> UUID:
        try:
            found = UUID(key)
        except ValueError:
            return uuid5(NAMESPACE_URL, key)
        is_usual = str(found) == key.lower()  # Python takes braces, and dashes anywhere
        return found if is_usual else uuid5(NAMESPACE_URL, key)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if bool(attrs["labels"]) == (attrs.get("kind") == Annotation.Kind.NONE_FITS):
            raise serializers.ValidationError(
                {"labels": "Name a label, or none with the kind none_fits."}
            )
        return attrs


def named(project: Project, given: list[Any]) -> list[Label]:
    """Return the labels of *project* with these ids and keys, in the order of the taxonomy."""
    keys = [each for each in given if type(each) is str and clean(each) == each]
    ids = [each for each in given if type(each) is int and is_row_number(each)]
    found = taxonomies.named(project, ids=ids, keys=keys) if given else []
    known = {label.key for label in found} | {label.pk for label in found}
    for each in given:
        if type(each) not in (str, int) or each not in known:
            wrong = str(each)[:100]
            raise serializers.ValidationError(f"{wrong!r} is no label of this project.")
    return found


class GivenLabel(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    key = serializers.CharField()
    name = serializers.CharField()


class Judgement(serializers.Serializer[Any]):
    """A decision as it is stored."""

    id = serializers.IntegerField()
    task = serializers.IntegerField()
    kind = serializers.ChoiceField(Annotation.Kind.choices)
    labels = GivenLabel(many=True, help_text="None: nothing fits.")
    annotated_at = serializers.DateTimeField()


class Lost(Refusal):
    """Nothing was stored: somebody else was faster, or it is yours no more."""

    status = serializers.CharField(help_text="Of the task: open, done or withdrawn.")
    standing = Judgement(allow_null=True, help_text="The decision that stands, if any.")


Refused: Final = OpenApiTypes.OBJECT  # each wrong field with what is wrong with it
COMMON: Final = {400: Refused, 401: Refusal, 404: Refusal}
