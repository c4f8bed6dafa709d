"""traffic, request, reset, events and open."""

from __future__ import annotations

import json
import webbrowser
from typing import Any

import pytest

from tests.unit.cli.conftest import Clock, Lab, Room, an_event

HOPS = [
    {
        "service": "frontend",
        "status": 200,
        "seconds": 0.02,
        "attempts": [{"peer": "api", "outcome": "ok", "seconds": 0.018}],
    },
    {"service": "api", "status": 200, "seconds": 0.018, "attempts": []},
]
GOOD = {"n": 1, "status": 200, "seconds": 0.021, "ok": True, "hops": HOPS, "reason": None}
BAD = {"n": 2, "status": 504, "seconds": 5.0, "ok": False, "hops": [], "reason": "peer_timeout"}


@pytest.mark.parametrize(("words", "rps"), [("10", 10), ("0.5", 0.5), ("0", 0)])
def test_traffic_sets_the_rate(room: Room, lab: Lab, words: str, rps: float) -> None:
    room.answers["POST", "/api/traffic"] = 200, {"active": True}
    assert lab("traffic", words).code == 0
    assert room.posted() == [("/api/traffic", {"rps": rps})]


def test_a_rate_that_is_no_number_is_a_usage_error(room: Room, lab: Lab) -> None:
    assert lab("traffic", "many").code == 2


def test_test_requests_are_shown_with_their_way(room: Room, lab: Lab) -> None:
    room.answers["POST", "/api/requests"] = 200, [GOOD]
    done = lab("request")
    assert done.code == 0
    assert "ok  200  21 ms" in done.out
    assert "frontend  200    20 ms  -> api ok 18 ms" in done.out
    assert "1 of 1 succeeded" in done.out


def test_a_failed_test_request_is_told_with_its_reason_and_exit_code(room: Room, lab: Lab) -> None:
    room.answers["POST", "/api/requests"] = 200, [GOOD, BAD]
    done = lab("request", "-n", "2")
    assert done.code == 1
    assert "FAILED  504  5.0 s  peer_timeout" in done.out


def test_test_requests_are_a_document_a_line_for_machines(room: Room, lab: Lab) -> None:
    room.answers["POST", "/api/requests"] = 200, [GOOD, BAD]
    assert [document["n"] for document in lab("request", "-n", "2", "--json").documents] == [1, 2]


def reset_answer(status: str) -> dict[str, Any]:
    return {"status": status, "seconds": 1.25, "steps": ["every switch is off"], "checks": []}


@pytest.mark.parametrize(("status", "code"), [("GREEN", 0), ("RED", 1)])
def test_reset_is_done_only_when_the_lab_is_green(room: Room, lab: Lab, status: str, code: int) -> None:
    room.answers["POST", "/api/reset"] = 200, reset_answer(status)
    done = lab("reset")
    assert done.code == code
    assert "every switch is off" in done.out
    assert f"{status} after 1.2 s" in done.out


def test_events_are_printed_one_a_line(room: Room, lab: Lab) -> None:
    room.events = [an_event(1, "two\nlines"), an_event(2, "it burns", "error")]
    lines = lab("events").out.splitlines()
    assert lines[0].endswith("info     two lines")
    assert lines[1].endswith("error    it burns")


def test_events_follow_prints_each_event_once(room: Room, lab: Lab, clock: Clock) -> None:
    room.events = [an_event(1, "before")]
    clock.interrupt_after(2, meanwhile=lambda: room.events.append(an_event(len(room.events) + 1, "news")))
    done = lab("events", "--follow", "--json")
    assert [event["id"] for event in done.documents] == [1, 2, 3]
    assert done.code == 0


def test_events_follow_waits_for_a_control_room_that_goes_away(room: Room, lab: Lab, clock: Clock) -> None:
    """Somebody restarts it in the middle of the workshop."""
    room.events = [an_event(1, "before")]
    news = iter([(200, {"events": []}), (502, "gone"), (502, "gone"), (200, {"events": [an_event(2, "back")]})])
    room.answers["GET", "/api/events"] = lambda _: next(news)
    clock.interrupt_after(2)
    done = lab("events", "--follow")
    assert done.out.endswith("back\n")
    assert done.err.count("waiting for it") == 1


def test_open_opens_what_runs(room: Room, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: not opened.append(url))
    done = lab("open")
    assert done.code == 0
    assert opened == [room.url, f"{room.url}/stage"]
    assert room.url in done.out


def test_open_without_a_browser_prints_the_addresses(room: Room, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda url: False)
    done = lab("open", "--json")
    assert done.code == 1
    assert room.url in json.dumps(done.documents[0])
