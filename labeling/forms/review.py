from typing import Any
from uuid import UUID

from django import forms
from django.http import QueryDict

from labeling.models import Annotation, Label, Project, ReviewQueue, ReviewTask


class QueueForm(forms.Form):
    """Which queue the reviewer takes from, all when empty; `task` asks for that very one."""

    def __init__(self, project: Project, data: Any) -> None:
        super().__init__(data)
        self.fields["queue"] = forms.ModelChoiceField(
            project.queues.all(), to_field_name="reason", required=False
        )
        self.fields["task"] = forms.ModelChoiceField(project.tasks.all(), required=False)

        self.is_valid()

    @property
    def queue(self) -> ReviewQueue | None:
        return self.cleaned_data.get("queue")

    @property
    def task(self) -> ReviewTask | None:
        return self.cleaned_data.get("task")


AT_HAND = 10  # tasks a browser may name; it keeps three


def is_id(text: str) -> bool:
    """Tell whether *text* can be the number of a row."""
    return text.isascii() and text.isdecimal() and len(text) < 19


def tasks_at_hand(data: QueryDict) -> list[int] | None:
    """Return the ids in `have`: tasks that stand ready in the browser, the one shown among them.

    None where the browser does not work ahead. What is no id is left out: at worst a task is sent
    twice.
    """
    return ids_in(data, "have")[:AT_HAND] if "ahead" in data else None


def ids_in(data: QueryDict, name: str) -> list[int]:
    """Return the ids in a field that may stand several times; what is no id is left out."""
    return [int(text) for text in data.getlist(name) if is_id(text)]


class AnnotationForm(forms.Form):
    """One decision. `none` says that nothing fits; without it a label must be chosen."""

    key = forms.UUIDField()
    none = forms.BooleanField(required=False)

    def __init__(self, project: Project, data: Any) -> None:
        super().__init__(data)
        self.fields["label"] = forms.ModelMultipleChoiceField(
            project.labels.all(),
            required=False,
            error_messages={"invalid_choice": "This label is not one of this project's."},
        )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not cleaned.get("label") and not cleaned.get("none") and "label" not in self.errors:
            raise forms.ValidationError("Choose a label, or say that nothing fits.")
        return cleaned

    @property
    def decision_key(self) -> UUID:
        key: UUID = self.cleaned_data["key"]
        return key

    @property
    def labels(self) -> list[Label]:
        return [] if self.cleaned_data["none"] else list(self.cleaned_data["label"])

    @property
    def ticked(self) -> list[int]:
        """Ids of the labels that were chosen, also where something else is wrong."""
        return [label.pk for label in self.cleaned_data.get("label") or ()]

    @property
    def message(self) -> str:
        """What is wrong, as one sentence."""
        return " ".join(str(error) for errors in self.errors.values() for error in errors)


class UndoForm(forms.Form):
    """Which of a project's decisions to take back; annotations.undo judges whether one may."""

    def __init__(self, project: Project, data: Any) -> None:
        super().__init__(data)
        self.fields["annotation"] = forms.ModelChoiceField(
            Annotation.objects.filter(project=project)
        )

    @property
    def annotation(self) -> Annotation:
        annotation: Annotation = self.cleaned_data["annotation"]
        return annotation
