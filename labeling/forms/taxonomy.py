"""What an owner says of a label: its texts and place, or what becomes of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from django import forms
from django.http import QueryDict
from django.utils.text import slugify

from labeling.document_fields import clean
from labeling.search import LONGEST
from labeling.taxonomy_acts import REVIEW, Create, Edit, Merge, Retire, Split
from labeling.taxonomy_entries import (
    ALIAS_LENGTH,
    ALIASES,
    KEY_LENGTH,
    NAME_LENGTH,
    TaxonomyEntry,
)

SITUATION_LENGTH = 2_000  # characters
ROWS = 200  # exclusions of one label
PARTS = 6  # labels one is split into at once
MOST_ROWS = 2**63 - 1  # no id is greater


@dataclass(frozen=True, slots=True)
class ExclusionRow:
    """One row of the form: a situation, the id of the label to use instead, what is wrong."""

    situation: str = ""
    use: str = ""
    error: str = ""


def posted_rows(data: QueryDict) -> list[ExclusionRow]:
    """Return the rows as they were sent: situations and ids as parallel lists."""
    pairs = zip(data.getlist("situation"), data.getlist("use"), strict=False)
    rows = [ExclusionRow(clean(one).strip(), clean(two).strip()) for one, two in pairs]
    return rows[:ROWS]


def listed(data: QueryDict, name: str) -> list[str]:
    """Return the texts sent under *name*, in order and once each, without empty ones."""
    texts = (clean(text).strip() for text in data.getlist(name))
    return list(dict.fromkeys(text for text in texts if text))


class LabelField(forms.CharField):
    """The id of a label of the taxonomy; None where it is left empty."""

    def __init__(self, **options: Any) -> None:
        widget = forms.TextInput(attrs={"list": "labels", "autocomplete": "off"})
        super().__init__(max_length=KEY_LENGTH, widget=widget, **options)

    def clean(self, value: Any) -> str | None:
        return clean(super().clean(value)).strip() or None


class OnlyOneField(forms.BooleanField):
    """Whether a document is given only one of the labels below."""

    def __init__(self) -> None:
        super().__init__(
            label="Only one of these",
            required=False,
            help_text="Of the labels below it a document is given one at most, wherever it is "
            "decided; one that stands above another may be given with it.",
        )


class Seen(forms.Form):
    """What the person had before their eyes: the version, and the draft's newest act."""

    seen_version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    seen_act = forms.IntegerField(widget=forms.HiddenInput, min_value=0, required=False)

    def clean_seen_act(self) -> int:
        return int(self.cleaned_data["seen_act"] or 0)


class MoveForm(Seen):
    """Ids of a label, and of the one it is to stand under; none: at the top."""

    label = forms.IntegerField(min_value=1, max_value=MOST_ROWS)
    under = forms.IntegerField(min_value=1, max_value=MOST_ROWS, required=False)


class LabelForm(Seen):
    """All a label says; exclusions, examples and overlaps come as parallel lists."""

    name = forms.CharField(max_length=NAME_LENGTH, strip=True)
    parent = LabelField(
        label="Stands under",
        required=False,
        help_text="The id of the label above it; empty at the top.",
    )
    description = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 5}),
        required=False,
        max_length=20_000,
        help_text="What belongs here, in the words senders use. It is embedded as it stands.",
    )
    aliases = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 2}),
        required=False,
        max_length=ALIASES * (ALIAS_LENGTH + 2),
        help_text="Other names people know it by, one a line: reviewers find it by them. No model "
        "reads them.",
    )
    only_one = OnlyOneField()
    field_order = ("name", "parent", "description", "aliases", "only_one")

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        keys: frozenset[str],
        entry: TaxonomyEntry,
        rows: Sequence[ExclusionRow] = (),
        initial: dict[str, Any] | None = None,
        examples: Sequence[str] = (),
        overlaps: Sequence[str] = (),
    ) -> None:
        super().__init__(data, initial=initial)
        self.keys, self.entry = keys, entry
        self.rows = list(rows) if data is None else posted_rows(data)
        self.examples = list(examples) if data is None else listed(data, "example")
        self.overlaps = list(overlaps) if data is None else listed(data, "overlap")

    def clean_name(self) -> str:
        return " ".join(clean(str(self.cleaned_data["name"])).split())

    def clean_parent(self) -> str | None:
        parent: str | None = self.cleaned_data["parent"]
        if parent is not None and parent not in self.keys and parent != self.entry.parent:
            raise forms.ValidationError(f"No label has the id “{parent}”.")
        return parent

    def clean_aliases(self) -> list[str]:
        lines = clean(str(self.cleaned_data["aliases"])).splitlines()
        written = (" ".join(line.split()) for line in lines)
        return list(dict.fromkeys(line for line in written if line))

    def clean_description(self) -> str:
        return clean(str(self.cleaned_data["description"]))

    def clean(self) -> dict[str, Any]:
        self.rows = [self._judged(row) for row in self.rows if row.situation or row.use]
        if any(row.error for row in self.rows):
            raise forms.ValidationError("Some exclusions need a correction.")
        for key in self.overlaps:
            if key not in self.keys or key == self.entry.key:
                raise forms.ValidationError(
                    f"“{key}” cannot overlap with it: name the id of another label."
                )
        return self.cleaned_data

    def _judged(self, row: ExclusionRow) -> ExclusionRow:
        if not row.situation:
            return replace(row, error="Say which situation does not belong here.")
        if len(row.situation) > SITUATION_LENGTH:
            return replace(row, error=f"Shorten it to {SITUATION_LENGTH:,} characters.")
        if row.use == self.entry.key:
            return replace(row, error="This is the label itself; name another.")
        if row.use and row.use not in self.keys:
            return replace(row, error=f"No label has the id “{row.use[:KEY_LENGTH]}”.")
        return row

    @property
    def exclusions(self) -> list[tuple[str, str | None]]:
        """(situation, id of the label to use instead or None), in order."""
        return [(row.situation, row.use or None) for row in self.rows]

    @property
    def said(self) -> Mapping[str, Any]:
        """All that the form says of the label, by the fields of an entry."""
        return {
            "name": self.cleaned_data["name"],
            "parent": self.cleaned_data["parent"],
            "description": self.cleaned_data["description"],
            "aliases": tuple(self.cleaned_data["aliases"]),
            "exclusions": tuple(self.exclusions),
            "examples": tuple(self.examples),
            "overlaps": tuple(sorted(self.overlaps)),
            "only_one": self.cleaned_data["only_one"],
        }

    def act(self) -> Edit | None:
        """Return the edit that makes of the label what the form says; None where it says so."""
        changes = {name: new for name, new in self.said.items() if new != getattr(self.entry, name)}
        return Edit(self.entry.key, changes) if changes else None


class CreateForm(Seen):
    """A new label."""

    name = forms.CharField(
        max_length=NAME_LENGTH, widget=forms.TextInput(attrs={"autofocus": True})
    )
    key = forms.CharField(
        label="Id",
        max_length=KEY_LENGTH,
        required=False,
        help_text="Stable name in files and the API. Empty: made from the name.",
    )
    parent = LabelField(
        label="Stands under", required=False, help_text="The id of the label above it, if any."
    )
    description = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 5}),
        required=False,
        max_length=20_000,
        help_text="What belongs here, in the words senders use: from this it is found at once.",
    )
    only_one = OnlyOneField()
    field_order = ("name", "key", "parent", "description", "only_one")

    def act(self, taken: Collection[str]) -> Create:
        """Return the act. taken: ids that stand already."""
        said = self.cleaned_data
        name = " ".join(clean(said["name"]).split())
        key = clean(said["key"]).strip() or key_from(name, taken)
        entry = TaxonomyEntry(key, name, said["parent"], clean(said["description"]))
        return Create(replace(entry, only_one=said.get("only_one", False)))


class MergeForm(Seen):
    """The label that another becomes part of."""

    into = LabelField(label="Merge into", help_text="The id of the label that stays.")

    def act_on(self, key: str, _taken: Collection[str]) -> Merge:
        return Merge(key, self.cleaned_data["into"])


class RetireForm(Seen):
    """What to use in place of a label that is given no more."""

    successor = LabelField(
        label="Use instead",
        required=False,
        help_text="The id of the label its decisions go to. Empty: they go back to review.",
    )

    def act_on(self, key: str, _taken: Collection[str]) -> Retire:
        return Retire(key, self.cleaned_data["successor"])


class SplitForm(Seen):
    """The labels that one is split into: name and description as parallel lists."""

    by_nearest = forms.BooleanField(
        label="Share out what was decided by the nearest of the new descriptions",
        required=False,
        help_text="Otherwise it goes back to review. You may choose for single documents then.",
    )

    def __init__(self, data: QueryDict | None = None, *, initial: Any = None) -> None:
        super().__init__(data, initial=initial)
        parts: Iterable[tuple[str, str]] = (initial or {}).get("parts", ())
        if data is not None:
            parts = zip(data.getlist("part"), data.getlist("about"), strict=False)
        said = [(" ".join(clean(one).split()), clean(two).strip()) for one, two in parts]
        self.parts = said[:PARTS]
        self.shown = [*self.parts, *[("", "")] * max(0, 3 - len(self.parts))][:PARTS]

    def clean(self) -> dict[str, Any]:
        self.parts = [part for part in self.parts if any(part)]
        if any(not name for name, _ in self.parts):
            raise forms.ValidationError("Give each new label a name.")
        if len(self.parts) < 2:
            raise forms.ValidationError("Name two new labels at least.")
        if any(len(name) > NAME_LENGTH or len(text) > 20_000 for name, text in self.parts):
            raise forms.ValidationError("A name has 300 characters, a description 20,000.")
        return self.cleaned_data

    def act_on(self, key: str, taken: Collection[str]) -> Split:
        entries: list[TaxonomyEntry] = []
        for name, text in self.parts:
            known = {*taken, *(entry.key for entry in entries)}
            entries.append(TaxonomyEntry(key_from(name, known), name, key, text))
        return Split(key, tuple(entries), by_nearest=self.cleaned_data["by_nearest"])


class SharingForm(forms.Form):
    """Where documents of a label that is split go, one by one, and where all others do."""

    LIKE_OTHERS: ClassVar = "0"

    find = forms.CharField(max_length=LONGEST, required=False)
    number = forms.IntegerField(required=False, min_value=1)
    seen_act = forms.IntegerField(required=False)

    def __init__(self, data: QueryDict, *, parts: Sequence[TaxonomyEntry]) -> None:
        super().__init__(data)
        self.ways: dict[str, str | None] = {self.LIKE_OTHERS: None}
        self.ways |= {str(place): part.key for place, part in enumerate(parts, 1)}
        self.ways[str(len(self.ways))] = REVIEW

    @property
    def said(self) -> dict[int, str | None]:
        """Return where each document goes for which the form says something new: `sharing.choose`.

        What it only shows may be older than what somebody chose meanwhile.
        """
        return {
            int(number): self.ways[way]
            for name, way in self.data.items()
            for kind, _, number in [name.partition("-")]
            if kind == "to" and number.isdecimal() and len(number) < 19 and way in self.ways
            if way != self.data.get(f"was-{number}")
        }

    @property
    def by_nearest(self) -> bool | None:
        """Return whether all others go by what is nearest; None where nothing new is said."""
        said = self.data.get("by_nearest", "")
        return None if said == self.data.get("was_by_nearest") else bool(said)


def key_from(name: str, taken: Collection[str]) -> str:
    """Return an id made from *name* that is not *taken*: card_lost, card_lost_2, …."""
    stem = slugify(name, allow_unicode=True).replace("-", "_")[: KEY_LENGTH - 10] or "label"
    numbered = (f"{stem}_{number}" for number in range(2, len(taken) + 3))
    return stem if stem not in taken else next(key for key in numbered if key not in taken)


class PublishForm(forms.Form):
    """Why the draft is published, and whether what was decided is to be reviewed again."""

    note = forms.CharField(
        max_length=500,
        required=False,
        label="Why",
        help_text="Stands in the history. Empty: what the draft does.",
    )
    again = forms.BooleanField(
        required=False,
        label="Ask again about decisions on these labels",
        help_text="Up to 500 of them wait in the queue “Labels changed”; what stands is confirmed "
        "with one key.",
    )
    seen_acts = forms.RegexField(r"^(\d{1,18},?)*$", widget=forms.HiddenInput, required=False)
    seen_change = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def clean_seen_acts(self) -> list[int]:
        return [int(each) for each in self.cleaned_data["seen_acts"].split(",") if each]
