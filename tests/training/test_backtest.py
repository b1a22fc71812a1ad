import json
import math
from collections import Counter
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from labeling.models import Annotation, GoldLabel, Project
from tests.training.small import TOPICS, text_of
from training import backtest
from training.baselines import NAMES
from training.management.commands.backtest import REVIEWS, cell, play_elsewhere, start_of, steps_of
from training.models import ModelVersion
from training.teaching import figures_of
from training.trainers.recipes import STAGES

TOLD: list[str] = []


def rows(first, count, *, empty=0):
    """Mails about each topic in turn, the last *empty* of them about none."""
    topics = list(TOPICS)
    for number in range(first, first + count):
        topic = topics[number % 4]
        yield {"id": f"m{number}", "text": text_of(topic, number), "labels": [topic.lower()]}
    for number in range(empty):
        yield {"id": f"e{first + number}", "text": f"lunch at noon {number} anyone", "labels": []}


def write(path, lines):
    path.write_text("\n".join(json.dumps(line) for line in lines))


@pytest.fixture
def data(tmp_path):
    """A folder as the backtest wants it: 80 mails to review, one of them twice, and 24 to score."""
    labels = [
        {"id": topic.lower(), "name": topic, "description": description}
        for topic, (description, _) in TOPICS.items()
    ]
    (tmp_path / "taxonomy.json").write_text(json.dumps(labels))
    train = list(rows(0, 80))
    write(tmp_path / "train.jsonl", [*train, {**train[3], "id": "again"}])
    write(tmp_path / "test.jsonl", rows(100, 20, empty=4))
    return tmp_path


@pytest.fixture
def encoder(small_encoder, settings):
    settings.DEFAULT_ENCODER = str(small_encoder)


def plan(data, *reviews, kind="single", refit_every=10, given=0):
    return backtest.Plan(data, kind, reviews, refit_every, seed=0, given=given)


def played(data, *reviews, strategy="margin-kmeans", **options):
    """Play to the end; return the play and its steps."""
    play = backtest.Play(plan(data, *reviews, **options), strategy)
    play.encode(TOLD.append)
    test = backtest.read_test(play.plan, play.bundle(), TOLD.append)
    return play, list(play.steps(test, TOLD.append))


@pytest.mark.slow
@pytest.mark.usefixtures("encoder", "db")
class TestPlay:
    def test_scores_before_the_first_review_and_after_each_step(self, data):
        _, steps = played(data, 0, 20, 30)
        assert [step.reviews for step in steps] == [0, 20, 30]
        assert all(0 <= step.top1 <= 1 for step in steps)

    def test_reviews_are_annotations_that_became_gold(self, data):
        play, _ = played(data, 20)
        assert Annotation.objects.count() == 20
        settled = GoldLabel.objects.gold().select_related("document", "label")
        for gold in settled:
            assert play.answers[gold.document.external_id] == (gold.label.key,)
        assert settled.count() == 20

    def test_head_is_fitted_every_so_many_reviews_and_before_each_score(self, data):
        played(data, 25, refit_every=10)
        learnt = ModelVersion.objects.order_by("number").values_list("gold_count", flat=True)
        assert list(learnt) == [0, 10, 20, 25]  # the first from the taxonomy alone

    def test_labels_of_training_documents_are_known_to_the_reviewer_alone(self, data):
        play = backtest.Play(plan(data, 10), "random")
        assert not GoldLabel.objects.exists()
        assert not play.project.documents.exclude(gold_at=None).exists()

    def test_texts_that_occur_twice_are_reviewed_once(self, data):
        play, steps = played(data, 500)
        assert play.project.documents.count() == 80
        assert steps[-1].reviews == 80  # more there are not

    def test_test_texts_are_not_stored(self, data):
        play, _ = played(data, 10)
        stored = set(play.project.documents.values_list("external_id", flat=True))
        assert not stored & {row["id"] for row in rows(100, 20, empty=4)}

    def test_texts_without_label_count_in_their_auroc_alone(self, data):
        play, (step,) = played(data, 0)
        test = backtest.read_test(play.plan, play.bundle(), TOLD.append)
        assert (~test.targets.any(axis=1)).sum() == 4
        assert step.out_of_scope_auroc is not None
        fits = test.targets.any(axis=1)
        part = backtest.Test((), test.features.take(fits), test.targets[fits], test.threads[fits])
        alone = backtest.score(play.bundle(), part, 0, 0.0)
        assert (alone.top1, alone.out_of_scope_auroc) == (step.top1, None)

    def test_second_project_takes_over_the_vectors(self, data):
        first, _ = played(data, 10)
        second = backtest.Play(plan(data, 10), "random")
        second.encode_as(first)
        test = backtest.read_test(second.plan, second.bundle(), TOLD.append)
        (step,) = second.steps(test, TOLD.append)
        assert step.reviews == 10
        assert Project.objects.count() == 2

    def test_multi_label_reviewer_may_find_that_nothing_fits(self, data):
        write(data / "train.jsonl", rows(0, 20, empty=20))
        _, steps = played(data, 40, kind="multi")
        assert GoldLabel.objects.filter(label=None).count() == 20
        assert steps[0].micro_f1 is not None

    def test_all_texts_may_be_gold_from_the_start(self, data):
        play, (step,) = played(data, 0, given=math.inf)
        assert GoldLabel.objects.count() == step.reviews == 80
        assert not Annotation.objects.exists()
        assert step.top1 > 0.5
        assert step.words_svm is not None
        assert play.bundle().head.delta.any()

    def test_some_examples_of_each_label_may_be_gold_from_the_start(self, data):
        _, (step,) = played(data, 0, given=3)
        assert step.reviews == 12
        gold = GoldLabel.objects.values_list("label__key", flat=True)
        assert Counter(gold) == dict.fromkeys(map(str.lower, TOPICS), 3)

    def test_reviews_go_on_from_given_examples(self, data):
        _, steps = played(data, 0, 10, given=2)
        assert [step.reviews for step in steps] == [8, 18]

    def test_row_that_cannot_be_read_is_named(self, data):
        (data / "train.jsonl").write_text('{"id": "a", "text": "fine"}\nnot json')
        with pytest.raises(ValueError, match=r"train\.jsonl, line 2"):
            backtest.Play(plan(data, 10), "random")

    def test_command_ends_with_one_line_of_json(self, data):
        out = StringIO()
        call_command(
            "backtest",
            str(data),
            reviews="0,20",
            json=True,
            inside=True,
            stdout=out,
            stderr=StringIO(),
        )
        result = json.loads(out.getvalue().splitlines()[-1])
        assert [step["reviews"] for step in result["steps"]] == [0, 20]
        assert [step["reviews"] for step in result["random"]] == [0, 20]
        assert set(result["steps"][0]) == {"reviews", *backtest.FIGURES, "seconds"}
        assert result["test_documents"] == 24
        assert result["out_of_scope"] == 4

    def test_command_trains_by_a_recipe_and_says_what_each_stage_did(self, data, monkeypatch):
        monkeypatch.setattr("training.progress.BEAT", 3600)
        out = StringIO()
        call_command(
            "backtest",
            str(data),
            reviews="all",
            recipe="full",
            json=True,
            inside=True,
            stdout=out,
            stderr=StringIO(),
        )
        trained = json.loads(out.getvalue().splitlines()[-1])["trained"]
        assert trained["status"] == "done", trained["error"]
        assert [trial["stage"] for trial in trained["stages"]] == list(STAGES)
        assert trained["step"]["top1"] is not None
        assert f"rerank: {trained['stages'][-1]['reason']}" in out.getvalue()

    def test_random_stands_beside_nothing_when_it_is_the_strategy(self, data):
        out = StringIO()
        call_command(
            "backtest",
            str(data),
            reviews="0",
            strategy="random",
            json=True,
            inside=True,
            stdout=out,
            stderr=StringIO(),
        )
        assert json.loads(out.getvalue().splitlines()[-1])["random"] is None


def test_folder_without_test_texts_is_refused(tmp_path):
    with pytest.raises(CommandError, match=r"holds no taxonomy\.json"):
        call_command("backtest", str(tmp_path))


def test_failed_play_is_a_failed_command():
    with pytest.raises(CommandError, match="failed"):
        play_elsewhere(["backtest", "/nowhere"])


@pytest.mark.parametrize(
    ("text", "expected"), [("0,100", (0, 100)), ("300, 20,20", (20, 300)), ("7", (7,))]
)
def test_reviews_are_read_in_ascending_order(text, expected):
    assert steps_of(text) == expected


@pytest.mark.parametrize(
    ("reviews", "per_label", "expected"),
    [
        ("all", None, ((0,), math.inf)),
        (REVIEWS, 10, ((0,), 10)),
        ("0,50", 10, ((0, 50), 10)),
        ("0,50", None, ((0, 50), 0)),
    ],
)
def test_play_may_begin_with_gold(reviews, per_label, expected):
    assert start_of(reviews, per_label) == expected


@pytest.mark.parametrize(("reviews", "per_label"), [("all", 5), ("0", 0), ("0", -1)])
def test_beginnings_that_make_no_sense_are_refused(reviews, per_label):
    with pytest.raises(CommandError, match="--per-label"):
        start_of(reviews, per_label)


def test_examples_of_each_label_are_chosen_by_the_seed():
    answers = {f"d{n}": ("a", "b") if n % 3 else ("a",) for n in range(30)}
    chosen = backtest.chosen_each(answers, 4, seed=1)
    assert sum("b" in answers[each] for each in chosen) == 4
    assert sum("a" in answers[each] for each in chosen) >= 4
    assert chosen == backtest.chosen_each(answers, 4, seed=1)
    assert chosen != backtest.chosen_each(answers, 4, seed=2)


@pytest.mark.parametrize("text", ["", "a,b", "-1,5", "1.5"])
def test_reviews_that_are_no_numbers_are_refused(text):
    with pytest.raises(CommandError, match="--reviews"):
        steps_of(text)


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("reviews", 1000, "1,000"),
        ("top1", 0.8642, "86.4%"),
        ("precision", None, "-"),
        ("seconds", 2.04, "2.0"),
    ],
)
def test_figures_are_shown_as_people_read_them(name, value, shown):
    assert cell(name, value) == shown


def test_every_figure_of_a_step_is_measured():
    from tests.training.test_teaching import untaught

    figures = figures_of(
        untaught(),
        np.zeros((0, 5), np.float32),
        np.zeros((0, 5), np.float32),
        np.zeros((0, 5), bool),
    )
    assert set(backtest.FIGURES) <= set(figures) | set(NAMES) | {"micro_f1_at_half"}
