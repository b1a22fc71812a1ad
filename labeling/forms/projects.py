from typing import Any

from django import forms
from django.utils.text import slugify

from labeling.models import Project


class PercentField(forms.FloatField):
    """A share in [0, 1], shown and typed as a percentage."""

    def prepare_value(self, value: Any) -> Any:
        return f"{100 * value:g}" if isinstance(value, float) else value

    def clean(self, value: Any) -> Any:
        percentage = super().clean(value)
        return None if percentage is None else round(percentage / 100, 6)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


class SettingsForm(forms.ModelForm):  # type: ignore[type-arg]  # no runtime generic
    promised_precision = PercentField(
        label="Promised precision, %",
        min_value=50,
        max_value=99.99,
        step_size=0.01,
        help_text="Documents are accepted without a person only where the gold shows that at least"
        " this share of them is right. Higher means more reviewing.",
    )
    audit_share = PercentField(
        label="Audit share, %",
        min_value=0,
        max_value=100,
        step_size=0.01,
        help_text="Share of accepted documents sent to review all the same, chosen at random, so"
        " that the promise is measured.",
    )

    overlap_share = PercentField(
        label="Overlap, %",
        min_value=0,
        max_value=100,
        step_size=0.01,
        help_text="Share of the documents coming to review from now on that several people judge,"
        " without seeing each other's answers, so that agreement is measured.",
    )

    known_share = PercentField(
        label="Known gold, %",
        min_value=0,
        max_value=50,
        step_size=0.01,
        help_text="Share of decisions that are on close calls whose answer is known by now:"
        " imported, ruled by an owner, confirmed, or agreed by several. They look like all others,"
        " change nothing, and measure each person.",
    )

    class Meta:
        model = Project
        fields = [
            "name",
            "promised_precision",
            "audit_share",
            "known_share",
            "overlap_share",
            "overlap_people",
            "refit_every",
            "weighs_people",
            "routes_close_calls",
        ]
        labels = {
            "overlap_people": "Judged by … people",
            "refit_every": "Learn after every … reviews",
            "weighs_people": "Trust people by how often they are right",
            "routes_close_calls": "Offer a close call first to who is best on it",
        }
        help_texts = {
            "overlap_people": "Where they differ, an owner rules.",
            "refit_every": "Then the model is fitted again, which takes seconds.",
            "weighs_people": "A decision that nobody else stands for teaches the model less where"
            " who made it is less often right than others, as overlap and known gold tell.",
            "routes_close_calls": "To who is most often right where one of its two labels is, as"
            " overlap and known gold tell; everybody else gets it where little else is left.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.is_multi:
            del self.fields["routes_close_calls"]  # routing.router_of says why


class ProjectForm(forms.ModelForm):  # type: ignore[type-arg]  # no runtime generic
    admin = forms.EmailField(
        label="First admin",
        max_length=150,
        required=False,
        help_text="The e-mail of the person who will run the project. Empty: you.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )

    class Meta:
        model = Project
        fields = ["name", "slug", "kind"]
        labels = {"slug": "Short name in addresses", "kind": "A document gets"}
        help_texts = {"slug": "Letters, digits and hyphens. Empty: made from the name."}
        widgets = {
            "name": forms.TextInput(attrs={"autofocus": True, "data-slug-source": "id_slug"}),
            "kind": forms.RadioSelect,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["slug"].required = False

    def clean_slug(self) -> str:
        """Fall back to a free slug made from the name."""
        typed: str = self.cleaned_data["slug"]
        return typed or free_slug(self.cleaned_data.get("name", ""))


def free_slug(name: str) -> str:
    """Return a slug made from *name* that no project has: 'support', 'support-2', …."""
    stem = slugify(name)[:50] or "project"
    taken = set(Project.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    numbered = (f"{stem}-{number}" for number in range(2, len(taken) + 3))
    return stem if stem not in taken else next(slug for slug in numbered if slug not in taken)
