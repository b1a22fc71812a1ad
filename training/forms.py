from django import forms

from training.trainers.recipes import Recipe


class TrainForm(forms.Form):
    epochs = forms.IntegerField(
        min_value=1,
        max_value=20,
        initial=Recipe().epochs,
        help_text="Passes over the gold, at most: training stops early when Hit@5 stops rising.",
    )
