import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.training.test_backtest import data, encoder  # noqa: F401 - fixtures
from training.ablation import Row, table, variants
from training.gates import Interval
from training.trainers.recipes import STAGES

ROW = Row(
    name="silver",
    worth=Interval(0.901, 0.89, 0.91),
    change=Interval(0.012, -0.001, 0.02),
    hit_at_5=0.99,
    sibling_confusion=0.05,
    ece=0.021,
    coverage=0.4,
    precision=0.985,
    seconds=12.4,
)


def test_each_stage_is_on_and_off_and_all_are_on_together():
    pulled = variants()
    assert pulled[0] == set()
    assert pulled[-1] == set(STAGES)
    assert len(pulled) == len(STAGES) + 2
    assert {"hierarchy", "fine_tune"} in pulled
    assert variants(["rerank"]) == [set(), {"rerank"}, {"rerank"}]


@pytest.mark.django_db
def test_a_stage_that_does_not_exist_is_refused(tmp_path):
    for name in ("taxonomy.json", "train.jsonl", "test.jsonl"):
        (tmp_path / name).write_text("[]")
    with pytest.raises(CommandError, match="--stages: 'magic'; any of silver"):
        call_command("ablate", str(tmp_path), stages="magic", inside=True)


def test_the_table_gives_every_figure_with_its_interval():
    cells = table([ROW], multi=False).splitlines()[-1].strip("| ").split(" | ")
    assert cells[:3] == ["silver", "90.1 (89.0 to 91.0)", "+1.2 (-0.1 to +2.0)"]
    assert cells[3:] == ["99.0", "5.0", "2.1", "40.0, 98.5", "12"]


def test_a_folder_without_test_texts_is_refused(tmp_path):
    with pytest.raises(CommandError, match=r"holds no taxonomy\.json"):
        call_command("ablate", str(tmp_path))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("encoder", "db")
def test_the_command_measures_every_variant_on_the_same_texts(data):  # noqa: F811
    out = StringIO()
    call_command(
        "ablate", str(data), reviews="all", json=True, inside=True, stdout=out, stderr=StringIO()
    )
    rows = json.loads(out.getvalue().splitlines()[-1])["rows"]
    names = [row["name"] for row in rows]
    assert names[0] == ""
    # Nothing is open, so nothing can be silver, and the taxonomy is flat.
    assert names[-1] == "fine_tune + adapt + hard_negatives + distil + rerank"
    assert rows[0]["change"]["value"] == 0
    assert all(0 <= row["worth"]["value"] <= 1 for row in rows)
    assert out.getvalue().startswith("### ")
