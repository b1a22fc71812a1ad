from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from labeling.models.comments import LONGEST

MORNING = time(8)


class SnoozeForm(forms.Form):
    """Until when a task is put off."""

    CHOICES = [("hour", "In an hour"), ("tomorrow", "Tomorrow morning"), ("week", "In a week")]

    until = forms.ChoiceField(choices=CHOICES)

    def moment(self, now: datetime) -> datetime:
        """Return the end of the snooze; mornings are those of the site's time zone."""
        if self.cleaned_data["until"] == "hour":
            return now + timedelta(hours=1)
        days = 1 if self.cleaned_data["until"] == "tomorrow" else 7
        day = timezone.localtime(now).date() + timedelta(days=days)
        return timezone.make_aware(datetime.combine(day, MORNING))


class NoteForm(forms.Form):
    """What somebody writes to others."""

    note = forms.CharField(
        max_length=LONGEST,
        widget=forms.Textarea,
        error_messages={
            "required": "Write a few words first.",
            "max_length": "This note has %(show_value)d characters; %(limit_value)d fit.",
        },
    )

    def clean_note(self) -> str:
        note: str = self.cleaned_data["note"]
        return note.replace("\r\n", "\n")

    @property
    def message(self) -> str:
        return " ".join(str(error) for error in self.errors.get("note", ()))

    @property
    def text(self) -> str:
        text: Any = self.cleaned_data["note"]
        return str(text)
