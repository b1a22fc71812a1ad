"""What was ruled out stands in the table of gold: a correction is one statement less."""

from django.db import migrations, models

MOVE = """
INSERT INTO labeling_goldlabel (project_id, document_id, label_id, tier, annotation_id, granted_at)
SELECT said.project_id, was.document_id, was.label_id, 'ruled_out', said.id, said.annotated_at
FROM labeling_ruledout AS was JOIN labeling_annotation AS said ON said.id = was.annotation_id
"""

MOVE_BACK = """
INSERT INTO labeling_ruledout (document_id, label_id, annotation_id)
SELECT document_id, label_id, annotation_id FROM labeling_goldlabel WHERE tier = 'ruled_out'
"""


class Migration(migrations.Migration):
    dependencies = [("labeling", "0014_known_gold")]

    operations = [
        migrations.RemoveConstraint(
            model_name="goldlabel", name="a_label_stands_once_for_a_document"
        ),
        migrations.AlterField(
            model_name="goldlabel",
            name="tier",
            field=models.CharField(
                choices=[
                    ("gold", "A person vouches for it"),
                    ("silver", "Accepted without a person"),
                    ("ruled_out", "A person saw it proposed and passed it over"),
                ],
                default="gold",
                max_length=10,
            ),
        ),
        migrations.AddConstraint(
            model_name="goldlabel",
            constraint=models.UniqueConstraint(
                fields=("document", "label", "tier"), name="a_label_is_said_once_of_a_document"
            ),
        ),
        migrations.RunSQL(MOVE, "DELETE FROM labeling_goldlabel WHERE tier = 'ruled_out'"),
        migrations.RunSQL(migrations.RunSQL.noop, MOVE_BACK),
        migrations.AddConstraint(
            model_name="goldlabel",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("tier", "ruled_out"), _negated=True
                )
                | models.Q(("annotation__isnull", False), ("label__isnull", False)),
                name="somebody_rules_out_some_label",
            ),
        ),
        migrations.DeleteModel(name="RuledOut"),
    ]
