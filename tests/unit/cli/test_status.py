"""status and status --watch."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from labcli.config import Config
from labcli.console import Style
from labcli.infra_record import infra_record, touched
from labcli.plan import Folder
from labcli.table import table, visible_length
from labcli.views import cure_lines
from labcli.watch import ENTER, HOME, LEAVE
from tests.unit.cli.conftest import MB, Clock, Lab, Room, a_check, a_scene, a_service, a_state, an_event


class Terminal(io.StringIO):
    """A standard output that says it is a terminal."""

    encoding = "utf-8"  # type: ignore[assignment]

    def isatty(self) -> bool:
        return True


def test_status_shows_everything(room: Room, lab: Lab) -> None:
    leaking = {"failure": {"memory_leak": {"mb_per_request": 20.0, "probability": 1.0, "duration_seconds": 0.0}}}
    api = a_service(rss_bytes=400 * MB, memory_limit_bytes=512 * MB, leaked_bytes=350 * MB, active=leaking)
    room.states = [
        a_state(
            status="RED",
            reasons=["38 % of requests succeed", "memory"],
            scene=a_scene(elapsed_seconds=12, step="Now wait", checks=[a_check(outcome="pass"), a_check()]),
            services={"api": api, "database": a_service(up=False, rss_bytes=None, threads_busy=None)},
        )
    ]
    out = lab("status").out
    for words in (
        "RED  38 % of requests succeed\n     memory\n",
        "slow_query (Slow queries), 12 s: 1 PASS, 1 open",
        "Now wait",
        "4 users a second, 0 in flight",
        "success 100 %   p50 21 ms   p95 39 ms   served 4.0 of 4.0 a second   attempts 1.00",
        "400/512 MB, 350 leaked",
        "failure memory_leak\n",
        " (mb_per_request 20)\n",
        "no answer",
    ):
        assert words in out


def test_status_says_how_what_is_down_comes_back(room: Room, lab: Lab) -> None:
    down = a_service(up=False, rss_bytes=None, threads_busy=None)
    room.states = [a_state(status="RED", reasons=["database does not answer"], services={"database": down})]
    assert "database: what crashes is back in seconds; what was stopped by hand is not: ./scripts" in lab("status").out


def test_what_infra_did_is_on_record_and_named(tmp_path: Path) -> None:
    config = Config.load(7, {}, tmp_path)
    for path in (Folder.of(config).hold("api"), Folder.of(config).paused("traffic")):
        path.parent.mkdir(parents=True)
        path.touch()
    infra_record(config).write_text('{"database": {}}')
    assert touched(config) == {"api", "traffic", "database"}
    state = a_state(reasons=["api does not answer"], services={"api": a_service(up=False)})
    (line,) = cure_lines(state, touched(config), config.hint)
    assert line == "api waits for you, `infra` did this: ./scripts/lab infra heal api --port-offset 7"


def test_status_shows_nothing_measured_as_a_dash(room: Room, lab: Lab) -> None:
    room.states = [a_state(traffic=None, kpis=dict.fromkeys(a_state()["kpis"]))]
    assert "success -   p50 -   p95 -   served - of - a second   attempts -" in lab("status").out


def test_status_is_the_servers_document_for_machines(room: Room, lab: Lab) -> None:
    assert lab("status", "--json").documents == [a_state()]


def test_watch_without_a_terminal_prints_one_moment_after_the_other(room: Room, lab: Lab, clock: Clock) -> None:
    clock.interrupt_after(1)
    done = lab("status", "--watch", "--json")
    assert done.code == 0
    assert [document["status"] for document in done.documents] == ["GREEN", "GREEN"]


def test_watch_redraws_in_place_and_gives_the_screen_back(
    room: Room, lab: Lab, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    room.events = [an_event(number, f"event {number}") for number in range(1, 20)]
    clock.interrupt_after(2)
    assert lab("status", "--watch").code == 0
    text = terminal.getvalue()
    assert text.startswith(ENTER)
    assert text.endswith(LEAVE)
    assert text.count(HOME) == 3
    assert "event 19" in text
    assert "event 11\x1b" not in text


def test_watch_shows_an_unreachable_control_room_as_that(room: Room, lab: Lab, clock: Clock) -> None:
    answers = iter([(200, a_state()), (502, "gone"), (200, a_state())])
    room.answers["GET", "/api/state"] = lambda _: next(answers)
    clock.interrupt_after(2)
    out = lab("status", "--watch").out
    assert out.index("GREEN") < out.index("UNREACHABLE") < out.rindex("GREEN")


@pytest.mark.parametrize(("environ", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colours_are_for_terminals_that_want_them(environ: dict[str, str], coloured: bool) -> None:
    painted = Style(Terminal(), environ).paint("RED", "error")
    assert ("\x1b" in painted) is coloured
    assert "RED" in painted


def test_no_colours_go_into_a_file() -> None:
    assert Style(io.StringIO(), {}).paint("RED", "error") == "RED"


@pytest.mark.parametrize(
    ("share", "bar"), [(0, "░░░░"), (0.001, "█░░░"), (0.5, "██░░"), (1, "████"), (7, "████"), (-1, "░░░░")]
)
def test_a_bar_shows_the_least_bit_and_never_overflows(share: float, bar: str) -> None:
    assert Style(Terminal(), {}).bar(share, 4) == bar


def test_columns_align_whatever_their_colour() -> None:
    paint = Style(Terminal(), {}).paint
    lines = table([["a", paint("up", "good"), "x"], ["longer", "down", "y"]])
    assert visible_length(lines[0]) == visible_length(lines[1])


def test_where_nothing_is_retried_that_is_said(room: Room, lab: Lab) -> None:
    cascade = {"why": {"code": 0, "text": "It is well"}, "attempts_allowed": 1}
    room.states = [a_state(cascade=cascade)]
    out = lab("status").out
    assert "no retries" in out and "attempts" not in out


def test_it_says_that_a_drill_is_on(room: Room, lab: Lab) -> None:
    drill = {"phase": "running", "seconds": 75.2}
    room.answers["GET", "/api/state"] = 200, a_state(drill=drill)
    assert "on for 1:15: what is wrong is hidden" in lab("status").out
    room.answers["GET", "/api/state"] = 200, a_state(drill=drill | {"phase": "ended"})
    assert "drill" not in lab("status").out
