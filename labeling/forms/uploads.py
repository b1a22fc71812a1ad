"""What an owner uploads."""

from django import forms


class TaxonomyUpload(forms.Form):
    file = forms.FileField(
        label="Taxonomy file",
        help_text="JSON or CSV with id, name, parent, description, exclusions, assignable, "
        "examples, overlaps; or SKOS as Turtle. Labels it does not name stay as they are.",
    )

    draft = forms.BooleanField(
        required=False,
        label="Put what differs into the draft",
        help_text="Then its impact can be previewed, and nothing is published yet.",
    )


class DocumentUpload(forms.Form):
    file = forms.FileField(
        label="Documents file",
        help_text="JSONL, JSONL.gz or CSV with id, subject, text, metadata, labels. "
        "Documents that stand already are left alone.",
    )
    gold = forms.BooleanField(
        required=False,
        label="Take the labels as gold",
        help_text="Only where people vouch for them; each becomes a settled document.",
    )
