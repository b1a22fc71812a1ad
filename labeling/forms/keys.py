import unicodedata
from collections.abc import Sequence
from typing import Any

from django import forms

from labeling.key_map import Command


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
    """A key for each command; no two commands share one."""

    def __init__(self, commands: Sequence[Command], data: Any = None) -> None:
        super().__init__(data)
        for command in commands:
            self.fields[command.name] = KeyField(command)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        taken: dict[str, str] = {}
        for name, key in list(cleaned.items()):  # an error takes its field out
            if key in taken:
                other = self.fields[taken[key]].label
                self.add_error(name, f"{key} is the key for “{other}” already.")
            taken.setdefault(key, name)
        return cleaned
