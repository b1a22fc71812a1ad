import json
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.demo import generator
from labeling.demo.generator import generate, letters, matters

TAXONOMY = json.loads((Path(generator.__file__).parent / "taxonomy.json").read_text())
ASSIGNABLE = {entry["id"] for entry in TAXONOMY if entry.get("assignable", True)}


@pytest.fixture(scope="module")
def mails():
    return list(generate(2_000, seed=1))


def test_same_seed_writes_the_same_mail(mails):
    assert list(generate(50, seed=1)) == mails[:50]


def test_another_seed_writes_other_mail(mails):
    assert not {mail.text for mail in generate(50, seed=2)} & {mail.text for mail in mails}


def test_no_two_mails_have_the_same_text(mails):
    assert len({mail.text for mail in mails}) == len({mail.id for mail in mails}) == len(mails)


def test_every_label_gets_mail_and_some_mail_gets_no_label(mails):
    counts = {key: sum(key in mail.labels for mail in mails) for key in ASSIGNABLE}
    assert min(counts.values()) >= 10
    assert max(counts.values()) > 3 * min(counts.values())
    assert 30 <= sum(not mail.labels for mail in mails) <= 100


@settings(max_examples=25)
@given(st.integers())
def test_no_gap_stays_open_whatever_the_seed(seed):
    for mail in islice(generate(20, seed=seed), 20):
        assert not set("{}") & set(mail.subject + mail.text)


def test_some_mail_is_short_some_quotes_and_some_has_no_subject(mails):
    assert any(len(mail.text.split()) < 12 for mail in mails)
    assert any("\n> " in mail.text and mail.subject.startswith("Re: ") for mail in mails)
    assert any(not mail.subject for mail in mails)


def test_every_label_has_a_dozen_situations_of_its_own():
    assert set(matters()) == ASSIGNABLE
    said = [line for each in matters().values() for line in each["situations"]]
    assert min(len(each["situations"]) for each in matters().values()) >= 12
    assert len(said) == len(set(said))


def test_every_style_of_hand_has_its_greetings_and_closings():
    for part in ("greetings", "openings", "closings", "sign_offs"):
        assert set(letters()[part]) == set(generator.HANDS)


def test_taxonomy_has_three_levels_and_eight_branches():
    parent = {entry["id"]: entry["parent"] for entry in TAXONOMY}
    assert sum(above is None for above in parent.values()) >= 8
    assert all(parent[parent[parent[key]]] is None for key in ASSIGNABLE)


def test_every_assignable_label_is_described_and_sends_away_what_is_not_its_own():
    for entry in TAXONOMY:
        if entry["id"] in ASSIGNABLE:
            assert entry["description"]
            assert {each["use"] for each in entry["exclusions"]} <= ASSIGNABLE - {entry["id"]}
            assert set(entry.get("overlaps", [])) <= ASSIGNABLE - {entry["id"]}
