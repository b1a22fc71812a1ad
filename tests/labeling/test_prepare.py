import socket
from pathlib import Path

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import CommandError, call_command


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def static(settings, tmp_path, monkeypatch):
    """A folder of the test's own for collected files."""
    monkeypatch.setattr(staticfiles_storage, "location", str(tmp_path / "static"), raising=False)
    settings.STATIC_ROOT = tmp_path / "static"
    return tmp_path / "static"


@pytest.mark.django_db
def test_it_collects_what_pages_refer_to(static, port):
    call_command("prepare", port=port)
    assert (static / "css" / "base.css").exists()


@pytest.mark.django_db
def test_it_says_nothing_when_all_is_well(static, port, capsys):
    call_command("prepare", port=port)
    assert capsys.readouterr().out == ""


def test_a_taken_port_is_named_with_a_way_out_before_anything_else_is_done(static, port):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(CommandError, match=f"Port {port} cannot be used.*PORT={port + 1}"):
            call_command("prepare", port=port)
    assert not Path(static).exists()


@pytest.mark.parametrize("port", [70_000, -1])
def test_no_such_port_is_said_to_be_unusable(port, static):
    with pytest.raises(CommandError, match="cannot be used"):
        call_command("prepare", port=port)
