"""The keys each person presses at the desk."""

import pytest
from django.urls import reverse

from labeling import key_map
from labeling.models import AuditEntry, KeyMap
from tests.labeling.desk import url

pytestmark = pytest.mark.django_db
KEYS = reverse("accounts:keys")


@pytest.fixture
def client(client, reviewer):
    client.force_login(reviewer)
    return client


def typed(**keys):
    return {each.name: each.key for each in key_map.COMMANDS} | keys


def of(person):
    return {each.name: each.key for each in key_map.of(person).commands}


def test_everybody_begins_with_the_usual_keys(reviewer):
    assert of(reviewer) == typed()
    assert len(set(typed().values())) == len(key_map.COMMANDS)


def test_one_s_own_keys_are_on_the_desk_and_nobody_else_s(client, reviewer, other_reviewer, held):
    client.post(KEYS, typed(skip="w"))
    page = client.get(url("task", held().pk))

    assert '<div data-command-key="skip"><dt><kbd>w</kbd>' in page.text
    assert of(reviewer)["skip"] == "w"
    assert of(other_reviewer)["skip"] == "s"
    assert KeyMap.objects.get().keys == {"skip": "w"}
    assert AuditEntry.objects.get(act="changed keys").detail == {"skip": "w"}


def test_two_keys_may_change_places(client, reviewer):
    client.post(KEYS, typed(skip="n", none="s"))

    assert (of(reviewer)["skip"], of(reviewer)["none"]) == ("n", "s")


@pytest.mark.parametrize("key", ["", " ", "7", "ab", "\t", "\u200b", "\x00"])
def test_what_is_no_key_is_refused(client, reviewer, key):
    answer = client.post(KEYS, typed(skip=key))

    assert answer.status_code == 422
    assert of(reviewer) == typed()


def test_a_key_for_two_commands_is_refused_and_says_which(client):
    answer = client.post(KEYS, typed(skip="n"))

    assert answer.status_code == 422
    assert "n is the key for “Nothing fits” already." in answer.text


def test_hostile_keys_stay_text(client, held):
    client.post(KEYS, typed(skip="<", none='"'))
    page = client.get(url("task", held().pk))

    assert "<kbd>&lt;</kbd>" in page.text
    assert "<kbd>&quot;</kbd>" in page.text


def test_the_usual_keys_come_back(client, reviewer):
    client.post(KEYS, typed(skip="w"))
    client.post(KEYS, {"usual": "1"})

    assert of(reviewer) == typed()


def test_single_keys_can_be_turned_off_and_on_again(client, reviewer, held):
    client.post(KEYS, typed(skip="w", off="on"))
    page = client.get(url("task", held().pk))
    assert "data-keys-off" in page.text
    assert (of(reviewer)["skip"], key_map.of(reviewer).are_off) == ("w", True)
    assert "checked" in client.get(KEYS).text

    client.post(KEYS, {"usual": 1})  # other keys, and still none that acts
    assert (of(reviewer)["skip"], key_map.of(reviewer).are_off) == ("s", True)
    assert "data-keys-off" in client.get(url("bulk")).text

    client.post(KEYS, typed(skip="w"))
    assert not key_map.of(reviewer).are_off
