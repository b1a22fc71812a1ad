from __future__ import annotations

from django.conf import settings
from django.db import models


class KeyMap(models.Model):
    """Which keys one person presses at the desk, where they differ from the usual ones."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+"
    )
    keys = models.JSONField(default=dict, blank=True, help_text="Key by command, both as text.")
    are_off = models.BooleanField(
        default=False,
        help_text="Whether letters, digits and signs do nothing, as for who speaks to a computer.",
    )

    def __str__(self) -> str:
        return f"Keys of {self.user}"
