from typing import Any

from django import forms
from django.contrib.auth.models import User

from labeling.models import ReviewQueue


class QueueTermsForm(forms.ModelForm):  # type: ignore[type-arg]  # no runtime generic
    """Who takes from one queue, and how soon; a prefix keeps the forms of a page apart."""

    class Meta:
        model = ReviewQueue
        fields = ["people", "due_hours"]
        labels = {"people": "Taken by", "due_hours": "Decide within … hours"}
        help_texts = {
            "people": "Nobody ticked: everybody in the project takes from it.",
            "due_hours": "What waits longer is shown as overdue. Empty: no limit.",
        }
        widgets = {"people": forms.CheckboxSelectMultiple}

    def __init__(self, data: Any = None, *, queue: ReviewQueue) -> None:
        super().__init__(data, instance=queue, prefix=queue.reason)
        members = User.objects.filter(memberships__project=queue.project_id, is_active=True)
        self.fields["people"].queryset = members.order_by("username")  # type: ignore[attr-defined]
