from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib.auth.models import User

from labeling import document_filters, search
from labeling.document_filters import DocumentFilter
from labeling.forms.projects import PercentField
from labeling.models import Annotation, Label, Prediction, Project, ReviewQueue, SavedView

Choices = list[tuple[str, str]]
ELSEWHERE = {"after"}  # names of the address that are no filters
MOST_OFFERED = 500  # labels; of more, the first letters are typed
SHOWN = 60  # characters of what cannot be read


def day(label: str) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        error_messages={"invalid": "A day is written 2026-01-31."},
    )


def choice(label: str, choices: Choices, empty: str = "Any") -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label,
        required=False,
        choices=[("", empty), *choices],
        error_messages={"invalid_choice": "There is no such choice; choose one of the list."},
    )


def share(label: str) -> PercentField:
    return PercentField(
        label=label,
        required=False,
        min_value=0,
        max_value=100,
        error_messages={"invalid": "A margin is a number from 0 to 100."},
    )


class DocumentFilterForm(forms.Form):
    """Reads an address into a DocumentFilter; what cannot be read is left out, and said.

    notices: a sentence on each thing left out, or that has changed since the address was made.
    """

    q = forms.CharField(
        label="Search",
        required=False,
        widget=forms.SearchInput(
            attrs={"placeholder": "Words, “a phrase”, -without", "maxlength": search.LONGEST}
        ),
    )
    by = choice("Search", [(document_filters.MEANING, "by meaning")], "by words")
    bucket = choice("Bucket", Prediction.Bucket.choices)
    label = forms.CharField(
        label="Label",
        required=False,
        widget=forms.TextInput(
            attrs={"list": "labels", "autocomplete": "off", "placeholder": "Name or id"}
        ),
    )
    label_is = choice(
        "which is",
        [(document_filters.PREDICTED, "predicted first"), (document_filters.GOLD, "gold")],
        "predicted first",
    )
    margin_from = share("Margin from, %")
    margin_to = share("to, %")
    since = day("Imported from")
    until = day("until")
    reviewer = forms.CharField(label="Decided by", required=False, widget=forms.Select)
    decided = choice(
        "Decided how",
        [*Annotation.Kind.choices, (document_filters.IMPORTED, "Imported as gold")],
    )
    queue = choice("Waiting in", ReviewQueue.Reason.choices, "Any queue or none")
    gold = choice("Gold", [("yes", "Has gold"), ("no", "Open")])
    bundle = forms.RegexField(
        r"^[0-9a-f]{4,64}$",
        label="Predicted by model",
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "Digest, as a document's page has it"}),
        error_messages={"invalid": "A model is named by the first 4 to 64 digits of its digest."},
    )
    order = choice(
        "Order",
        [
            (document_filters.NEWEST, "Newest first"),
            (document_filters.CLOSEST, "Closest calls first"),
        ],
        "As usual",
    )

    def __init__(self, project: Project, data: Mapping[str, Any]) -> None:
        super().__init__(data, use_required_attribute=False)
        self.project = project
        self.notices: list[str] = []
        labels = project.labels.active().values_list("key", "name")
        self.labels = list(labels[: MOST_OFFERED + 1])
        members = User.objects.filter(memberships__project=project).order_by("username")
        self.people = {person.get_username(): person for person in members}
        self.full_clean()
        people = sorted(self.people)
        self.fields["reviewer"].widget.choices = [("", "Anybody"), *((p, p) for p in people)]
        self._say_what_is_left_out()

    @property
    def offered(self) -> Choices:
        """The labels to choose from while typing, by id and name; none where they are many."""
        return self.labels if len(self.labels) <= MOST_OFFERED else []

    @property
    def filter(self) -> DocumentFilter:
        given = {name: value for name, value in self.cleaned_data.items() if value is not None}
        return DocumentFilter(**given)

    @property
    def less_used(self) -> list[forms.BoundField]:
        """The fields that stand alone."""
        names = ("reviewer", "decided", "queue", "gold", "bundle", "order")
        return [self[name] for name in names]

    def shown(self, name: str) -> str:
        """Write what the filter *name* asks for, in words."""
        written = self.filter.asked[name]
        if name == "label":
            how = "gold" if self.filter.gold_label else "predicted first"
            return f"{self.filter.label}, {how}"
        choices = dict(getattr(self.fields[name], "choices", []))
        return str(choices.get(written, written))

    def clean_q(self) -> str:
        typed: str = self.cleaned_data["q"]
        if len(typed) > search.LONGEST:
            self.notices.append(
                f"Searched for the first {search.LONGEST} characters: no search is longer."
            )
        typed = typed[: search.LONGEST]
        by_words = self.data.get("by") != document_filters.MEANING
        if typed and by_words and not search.parse(typed):
            raise forms.ValidationError("There is no word in it; type one that is in the text.")
        return typed

    def clean_label(self) -> Label | None:
        typed: str = self.cleaned_data["label"]
        if not typed:
            return None
        by_key = self.project.labels.filter(key=typed)
        found = list(by_key or self.project.labels.active().filter(name__iexact=typed)[:2])
        found = found or list(self.project.labels.active().filter(name__icontains=typed)[:2])
        if not found:
            raise forms.ValidationError("There is no such label; choose one of the taxonomy.")
        if len(found) > 1:
            raise forms.ValidationError("More than one label is called so; give its id.")
        if found[0].retired_at:
            self.notices.append(
                f"{found[0]} was retired on {found[0].retired_at:%-d %b %Y}. What was predicted or"
                " decided so before is still found."
            )
        return found[0]

    def clean_reviewer(self) -> User | None:
        name: str = self.cleaned_data["reviewer"]
        if not name or name in self.people:
            return self.people.get(name)
        judged = Annotation.objects.filter(project=self.project, reviewer__username=name)
        gone = User.objects.filter(username=name, pk__in=judged.order_by().values("reviewer"))
        person = gone.first()
        if not person:
            raise forms.ValidationError("Nobody of that name is in this project.")
        self.people[name] = person
        self.notices.append(f"{name} is no longer in this project. Their decisions still are.")
        return person

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("by") and cleaned.get("q") and cleaned.get("order"):
            self.notices.append("What is found by meaning comes nearest first, in no other order.")
            cleaned["order"] = ""
        for first, last in (("margin_from", "margin_to"), ("since", "until")):
            low, high = cleaned.get(first), cleaned.get(last)
            if low is not None and high is not None and low > high:
                self.add_error(first, "It is above the other end; change one of the two.")
                self.cleaned_data.pop(last, None)
        return cleaned

    def _say_what_is_left_out(self) -> None:
        for name in self.data:
            if name not in self.fields and name not in ELSEWHERE:
                self.notices.append(
                    f"“{str(name)[:SHOWN]}” is no filter of this page and was left out."
                )
        for name, errors in self.errors.items():
            typed = str(self.data.get(name, ""))[:SHOWN]
            field = self.fields[name].label
            self.notices.append(f"{field} “{typed}” was left out. {' '.join(map(str, errors))}")
        if len(self.notices) > 5:
            more = len(self.notices) - 5
            self.notices[5:] = [f"And {more} more that cannot be read. Begin anew, or save again."]


class ViewNameForm(forms.ModelForm):  # type: ignore[type-arg]  # no runtime generic
    """The name of a view to keep."""

    class Meta:
        model = SavedView
        fields = ["name"]
