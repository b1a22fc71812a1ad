import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import call_command

from labeling.demo import people

pytestmark = pytest.mark.django_db


def test_nobody_can_sign_in_before_passwords_are_given():
    assert not any(person.has_usable_password() for person in people.ensure().values())


def test_a_second_run_keeps_people_and_passwords():
    first = people.ensure()
    people.give_passwords(first)
    again = people.ensure()
    assert {name: person.pk for name, person in again.items()} == {
        name: person.pk for name, person in first.items()
    }
    assert all(person.has_usable_password() for person in again.values())


def test_only_the_admin_administers_the_site():
    people.ensure()
    assert [user.username for user in User.objects.filter(is_superuser=True)] == ["admin"]


def test_passwords_are_random_and_stored_hashed():
    everyone = people.ensure()
    first, second = people.give_passwords(everyone), people.give_passwords(everyone)
    assert len({*first.values(), *second.values()}) == 6
    reviewer = User.objects.get(username="reviewer")
    assert reviewer.check_password(second["reviewer"])
    assert second["reviewer"] not in reviewer.password


def test_demo_passwords_prints_passwords_that_work(rf, capsys):
    call_command("demo_passwords")
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert [row[0] for row in rows] == ["reviewer", "owner", "admin"]
    for name, password, *_ in rows:
        assert authenticate(rf.post("/"), username=name, password=password)
