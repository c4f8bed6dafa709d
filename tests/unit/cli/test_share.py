"""Showing the lab to others: refused without a token, and with a link that others can use."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import pytest

from labcli import share
from labcli.config import Config
from services.common.process import settings
from tests.unit.cli.conftest import Lab, Room


@pytest.mark.parametrize("mode", [["--local"], []])
@pytest.mark.parametrize("token", ["", "   ", "short"])
def test_up_beyond_this_machine_is_refused_without_a_good_token(
    repo: Path, lab: Lab, monkeypatch: pytest.MonkeyPatch, mode: list[str], token: str
) -> None:
    monkeypatch.setenv("LAB_BIND", "0.0.0.0")
    monkeypatch.setenv("LAB_TOKEN", token)
    done = lab("up", *mode)
    assert done.code == 2
    assert "LAB_BIND=0.0.0.0 lets the whole network in: set LAB_TOKEN too" in done.err
    assert not (repo / ".lab").exists()


def test_without_docker_the_lab_is_never_shown_to_the_network(
    repo: Path, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_BIND", "0.0.0.0")
    monkeypatch.setenv("LAB_TOKEN", "long enough")
    done = lab("up", "--local")
    assert done.code == 2 and "127.0.0.1 alone" in done.err


def test_the_command_line_and_the_control_room_ask_for_the_same_length() -> None:
    assert share.MIN_TOKEN_LENGTH == settings.MIN_TOKEN_LENGTH


def test_the_link_for_the_room_is_one_that_others_can_use(tmp_path: Path) -> None:
    view = lambda **environ: share.view_url(Config.load(100, environ, tmp_path))  # noqa: E731
    assert view() == "http://127.0.0.1:8180/view"
    assert view(LAB_BIND="192.168.1.7") == "http://192.168.1.7:8180/view"
    assert view(LAB_URL="http://10.0.0.7:99") == "http://10.0.0.7:99/view"
    assert view(LAB_BIND="0.0.0.0", LAB_ADDRESS="laptop.local") == "http://laptop.local:8180/view"
    everywhere = view(LAB_BIND="0.0.0.0")
    assert everywhere.endswith(":8180/view") and "0.0.0.0" not in everywhere


def test_open_view_opens_the_rooms_link_alone(room: Room, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: not opened.append(url))
    assert lab("open", "--view").code == 0
    assert len(opened) == 1 and opened[0].endswith("/view")


def test_status_tells_the_link_once_others_may_look(room: Room, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "/view" not in lab("status").out
    monkeypatch.setenv("LAB_BIND", "192.168.1.7")
    assert "for the room: http" in lab("status").out
