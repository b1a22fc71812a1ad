"""The demo project: the support mail of an invented energy and broadband supplier."""
