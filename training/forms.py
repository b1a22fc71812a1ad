from copy import copy
from typing import Any

from django import forms
from django.utils.html import format_html

from training import recipes
from training.gates import LIMITS
from training.models import TrainingRecipe
from training.trainers.recipes import STAGES, Recipe


class TrainForm(forms.Form):
    """A project's recipe: what a run tries, and when one starts by itself."""

    stages = forms.MultipleChoiceField(
        required=False,
        choices=[
            (
                name,
                format_html(
                    '<span>{}<br><span class="small muted">{}</span></span>',
                    stage.title,
                    stage.does,
                ),
            )
            for name, stage in STAGES.items()
        ],
        widget=forms.CheckboxSelectMultiple(attrs={"class": "choices"}),
        help_text="Tried one after the other; each is kept only where it helps on validation gold.",
    )
    epochs = forms.IntegerField(
        min_value=1,
        max_value=20,
        initial=Recipe().epochs,
        help_text="Passes over the gold, at most: training stops early when Hit@5 stops rising.",
    )
    train_after = forms.IntegerField(
        label="Train by itself",
        min_value=0,
        max_value=1_000_000,
        initial=0,
        help_text="After so many gold documents new since the last run; 0 for never.",
    )
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)  # number of the edition

    @classmethod
    def of(cls, edition: TrainingRecipe) -> "TrainForm":
        """Return the form filled with *edition*."""
        known = {"train_after": edition.train_after, "seen": edition.number}
        return cls(initial={**edition.values, **known})

    def over(self, edition: TrainingRecipe) -> "TrainForm":
        """Return the form as it was filled in, from now on made from *edition*."""
        data = copy(self.data)
        data["seen"] = edition.number  # type: ignore[index]
        return TrainForm(data)

    def clean_stages(self) -> list[str]:
        stages: list[str] = self.cleaned_data["stages"]
        if not stages:
            raise forms.ValidationError("Choose at least one: without any nothing is trained.")
        return stages

    def recipe_over(self, edition: TrainingRecipe) -> Recipe:
        """Return the recipe asked for: what the form holds, the rest as in *edition*."""
        asked = {name: self.cleaned_data[name] for name in ("stages", "epochs")}
        return Recipe.read(recipes.usable(edition).as_json() | asked)


class GatesForm(forms.Form):
    """Where the gates of a project open."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, limit in LIMITS.items():
            kind: Any = forms.IntegerField if limit.whole else forms.FloatField
            self.fields[name] = kind(
                label=limit.title,
                help_text=f"{limit.help} Usually {limit.usual:g}.",
                min_value=limit.least,
                max_value=limit.most,
                widget=forms.NumberInput(attrs={"step": 1 if limit.whole else "any"}),
            )
