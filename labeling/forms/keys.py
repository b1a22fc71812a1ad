import unicodedata
from typing import Any

from django import forms

from labeling.key_map import Command, Keys


class KeyField(forms.CharField):
    """One character that a keyboard types. Digits choose candidates and are taken."""

    def __init__(self, command: Command) -> None:
        attributes = {"autocomplete": "off", "spellcheck": "false", "class": "keys__field"}
        super().__init__(
            label=command.words,
            initial=command.key,
            max_length=1,
            strip=True,
            widget=forms.TextInput(attrs=attributes),
            error_messages={"required": "Choose a key.", "max_length": "One character is a key."},
        )

    def clean(self, value: Any) -> str:
        key: str = super().clean(value)
        if unicodedata.category(key)[0] not in "LPS" or key.isdigit():
            raise forms.ValidationError("Choose a letter or a sign; digits choose candidates.")
        return key


class KeysForm(forms.Form):
    """A key for each command; no two commands share one. `off`: none of them does anything."""

    def __init__(self, keys: Keys, data: Any = None) -> None:
        super().__init__(data)
        for command in keys.commands:
            self.fields[command.name] = KeyField(command)
        self.fields["off"] = forms.BooleanField(
            label="Letters, digits and signs do nothing by themselves",
            help_text="For who speaks to the computer, or presses keys by mistake. Enter and "
            "Ctrl K still do what they do, and every command stands in the list of Ctrl K.",
            required=False,
            initial=keys.are_off,
        )

    @property
    def keys(self) -> dict[str, str]:
        return {name: key for name, key in self.cleaned_data.items() if name != "off"}

    @property
    def are_off(self) -> bool:
        return bool(self.cleaned_data["off"])

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        taken: dict[str, str] = {}
        for name, key in list(cleaned.items()):  # an error takes its field out
            if name == "off":
                continue
            if key in taken:
                other = self.fields[taken[key]].label
                self.add_error(name, f"{key} is the key for “{other}” already.")
            taken.setdefault(key, name)
        return cleaned
