"""Talking to the control room, or to what stands in its place."""

from __future__ import annotations

import socket

import pytest

from tests.unit.cli.conftest import Lab, Room


def a_closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_no_control_room_says_how_to_start_one(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_PORT", str(a_closed_port() - 7))
    done = lab("status", "--port-offset", "7")
    assert done.code == 1
    assert "does not answer: nothing listens there" in done.err
    assert "./scripts/lab up --port-offset 7" in done.err
    assert "up --local --port-offset 7" in done.err


def test_errors_are_documents_for_machines(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_URL", f"http://127.0.0.1:{a_closed_port()}")
    done = lab("status", "--json")
    assert done.code == 1
    assert "does not answer" in done.documents[0]["error"]["title"]


def test_a_refusal_keeps_its_problem_document_for_machines(room: Room, lab: Lab) -> None:
    room.answers["POST", "/api/traffic"] = 422, {"title": "No", "status": 422, "field": "rps", "allowed": [1, 2]}
    error = lab("traffic", "3", "--json").documents[0]["error"]
    assert (error["field"], error["allowed"], error["status"]) == ("rps", [1, 2], 422)


@pytest.mark.parametrize("answer", [(200, "<html>hello</html>"), (404, "<html>who?</html>"), (200, [1])])
def test_something_else_on_the_port_is_recognised(room: Room, lab: Lab, answer: tuple[int, str]) -> None:
    room.answers["GET", "/api/state"] = answer
    done = lab("status")
    assert done.code == 1
    assert "is it the lab's control room?" in done.err


def test_proxies_of_the_environment_are_not_asked(room: Room, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{a_closed_port()}")
    assert lab("status").code == 0


@pytest.mark.parametrize("words", ["--json status", "status --json"])
def test_common_options_stand_before_or_after_the_command(room: Room, lab: Lab, words: str) -> None:
    assert lab(*words.split()).documents[0]["status"] == "GREEN"
