from typing import Any
from uuid import UUID

from django import forms
from django.http import QueryDict

from labeling import bulk
from labeling.forms.review import ids_in
from labeling.models import Label, Project, ReviewQueue


class SheetForm(forms.Form):
    """Which documents to look through: those of a queue for which a label is predicted.

    Without a queue those of all; without a label the labels to choose from. `all` asks for as many
    as are decided at once.
    """

    all = forms.BooleanField(required=False)

    def __init__(self, project: Project, data: Any) -> None:
        super().__init__(data)
        self.fields["queue"] = forms.ModelChoiceField(
            project.queues.all(), to_field_name="reason", required=False
        )
        self.fields["label"] = forms.ModelChoiceField(project.labels.assignable(), required=False)
        self.is_valid()

    @property
    def queue(self) -> ReviewQueue | None:
        return self.cleaned_data.get("queue")

    @property
    def label(self) -> Label | None:
        return self.cleaned_data.get("label")

    @property
    def is_all(self) -> bool:
        return bool(self.cleaned_data.get("all"))


class BatchForm(forms.Form):
    """Which decisions to make at once, or which to undo: `batch` names them."""

    batch = forms.UUIDField()

    @property
    def batch_key(self) -> UUID:
        key: UUID = self.cleaned_data["batch"]
        return key


class GivingForm(BatchForm):
    """Which tasks get which label at once."""

    data: QueryDict

    def __init__(self, project: Project, data: Any) -> None:
        super().__init__(data)
        self.fields["label"] = forms.ModelChoiceField(project.labels.assignable())

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        cleaned["task"] = ids_in(self.data, "task")
        if not cleaned["task"]:
            raise forms.ValidationError("Check at least one document.")
        if len(cleaned["task"]) > bulk.MOST:
            raise forms.ValidationError(f"Check {bulk.MOST} documents at most.")
        return cleaned

    @property
    def label(self) -> Label:
        label: Label = self.cleaned_data["label"]
        return label

    @property
    def task_ids(self) -> list[int]:
        ids: list[int] = self.cleaned_data["task"]
        return ids

    @property
    def message(self) -> str:
        """What is wrong, as one sentence."""
        if "label" in self.errors:
            return "This label can no longer be given."
        return " ".join(str(error) for errors in self.errors.values() for error in errors)
