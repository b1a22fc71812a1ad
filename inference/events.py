"""What inference announces to the layer above."""

from django.dispatch import Signal

bundle_rebuilt = Signal()
"""project, digest, former: a bundle was made for the taxonomy, and takes the place of the
deployment *former*, or of nothing. Sent inside the transaction that deploys it."""
