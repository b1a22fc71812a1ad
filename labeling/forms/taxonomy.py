"""What an owner says when editing a label."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.http import QueryDict

from labeling.document_fields import clean
from labeling.taxonomy_entries import ALIAS_LENGTH, ALIASES, KEY_LENGTH

SITUATION_LENGTH = 2_000  # characters
ROWS = 200  # exclusions of one label


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


class LabelForm(forms.Form):
    """A label's description, aliases and exclusions; the rows come as parallel lists."""

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
    seen_version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        keys: frozenset[str],
        own: str,
        rows: Sequence[ExclusionRow] = (),
        initial: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=initial)
        self.keys, self.own = keys, own
        self.rows = list(rows) if data is None else posted_rows(data)

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
        return self.cleaned_data

    def _judged(self, row: ExclusionRow) -> ExclusionRow:
        if not row.situation:
            return replace(row, error="Say which situation does not belong here.")
        if len(row.situation) > SITUATION_LENGTH:
            return replace(row, error=f"Shorten it to {SITUATION_LENGTH:,} characters.")
        if row.use == self.own:
            return replace(row, error="This is the label itself; name another.")
        if row.use and row.use not in self.keys:
            return replace(row, error=f"No label has the id “{row.use[:KEY_LENGTH]}”.")
        return row

    @property
    def exclusions(self) -> list[tuple[str, str | None]]:
        """(situation, id of the label to use instead or None), in order."""
        return [(row.situation, row.use or None) for row in self.rows]
