"""The trainer's board: what it knows of each team, and that one that hangs delays nobody."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from labcli.api import ControlRoom
from labcli.classroom import watch as watch_module
from labcli.classroom.board import BoardServer
from labcli.classroom.roster import Team
from labcli.classroom.watch import STALE_SECONDS, ClassWatch, Watch
from labcli.config import Config
from labcli.console import Console
from labcli.context import Context
from tests.unit.cli.conftest import Clock, Room, a_scene, a_state

TEAM = Team("team-1", 1, url="http://192.0.2.7:8180", offset=100)
DRILL = {"phase": "running", "level": 1, "seconds": 12.0, "board": "open", "result": None, "teams": []}


@pytest.fixture
def ctx(room: Room, tmp_path: Path) -> Context:
    config = Config(tmp_path, 0, {"LAB_URL": room.url})
    clock = Clock()
    room.answers["GET", "/api/room"] = (200, {"bet": None, "drill": DRILL})
    return Context(config, ControlRoom(config, lambda: room.url), Console({}), lambda: clock.now, clock.sleep)


def test_a_look_has_status_scene_drill_and_links(ctx: Context, room: Room) -> None:
    room.states = [a_state(scene=a_scene(elapsed_seconds=31.0))]
    watch = Watch(ctx, TEAM)
    watch.look(ctx.room)
    seen = watch.describe()
    assert (seen["status"], seen["drill"]) == ("GREEN", DRILL)
    assert (seen["scene"]["title"], seen["scene"]["elapsed_seconds"]) == ("Slow queries", 31.0)
    assert seen["links"]["stage"] == "http://192.0.2.7:8180/stage"


def test_the_time_is_that_since_the_status_changed(ctx: Context, room: Room) -> None:
    room.states = [a_state(), a_state(status="RED"), a_state(status="RED")]
    watch = Watch(ctx, TEAM)
    for _ in range(3):
        ctx.sleep(1)
        watch.look(ctx.room)
    ctx.sleep(1)
    assert (watch.describe()["status"], watch.describe()["since_seconds"]) == ("RED", 2)


def test_a_lab_without_drills_and_one_at_rest_are_fine(ctx: Context, room: Room) -> None:
    room.answers["GET", "/api/room"] = (200, {"bet": None})
    watch = Watch(ctx, TEAM)
    watch.look(ctx.room)
    assert (watch.describe()["scene"], watch.describe()["drill"]) == (None, None)


def test_unreachable_is_a_state_of_its_own(ctx: Context, room: Room) -> None:
    watch = Watch(ctx, TEAM)
    assert watch.describe()["status"] == "UNREACHABLE"
    watch.look(ctx.room)
    room.answers["GET", "/api/state"] = (500, "out of order")
    ctx.sleep(1)
    watch.look(ctx.room)
    seen = watch.describe()
    assert seen["status"] == "UNREACHABLE" and "answers 500" in seen["reasons"][0]
    assert seen["scene"] is None and seen["kpis"] is None  # nothing old is shown as if it were so


def test_a_look_that_hangs_is_not_believed_for_long(ctx: Context, room: Room) -> None:
    watch = Watch(ctx, TEAM)
    watch.look(ctx.room)
    ctx.sleep(STALE_SECONDS)
    assert watch.describe()["status"] == "GREEN"
    ctx.sleep(1)
    assert watch.describe()["status"] == "UNREACHABLE"


def test_a_team_that_hangs_delays_nobody(ctx: Context, room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    let_go, other_was_asked = threading.Event(), threading.Event()

    def answer(_: Any) -> Any:
        other_was_asked.set()
        return 200, {"drill": None}

    @contextmanager
    def way_to(config: Config) -> Iterator[Any]:
        if config.offset == 100:
            let_go.wait(30)
        yield lambda: room.url

    room.answers["GET", "/api/room"] = answer
    monkeypatch.setattr(watch_module, "way_to", way_to)
    monkeypatch.setattr(watch_module, "EVERY_SECONDS", 0.01)
    teams = ClassWatch(ctx, [TEAM, Team("team-2", 2, offset=200)])
    teams.start()
    try:
        assert other_was_asked.wait(10)
        hanging, _ = teams.describe()["teams"]
        assert hanging["status"] == "UNREACHABLE"
    finally:
        let_go.set()
        teams.stop()


@pytest.fixture
def board(ctx: Context) -> Iterator[BoardServer]:
    with BoardServer(0, ClassWatch(ctx, [TEAM])) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def asked(board: BoardServer, path: str, **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", board.server_port, timeout=10)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.body = answer.read()  # type: ignore[attr-defined]
    connection.close()
    return answer


@pytest.mark.parametrize("path", ["/", "/board/board.js", "/board/board.css", "/static/lib/dom.js", "/static/app.css"])
def test_the_page_and_its_files_are_served(board: BoardServer, path: str) -> None:
    answer = asked(board, path)
    assert answer.status == 200 and answer.body  # type: ignore[attr-defined]
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


def test_what_is_known_is_served_without_tokens(ctx: Context) -> None:
    team = Team("team-1", 1, token="the-teams-own", offset=100)
    assert "the-teams-own" not in json.dumps(ClassWatch(ctx, [team]).describe())


@pytest.mark.parametrize("path", ["/static/../app.py", "/board/%2e%2e/board.py", "/static/%00", "/nope", "/static/"])
def test_nothing_else_of_this_machine_is_served(board: BoardServer, path: str) -> None:
    assert asked(board, path).status == 404


def test_a_page_whose_name_was_made_to_point_here_reads_nothing(board: BoardServer) -> None:
    assert asked(board, "/api/class", Host="evil.example").status == 421


def test_the_boards_server_is_for_this_machine_alone(board: BoardServer) -> None:
    assert board.server_address[0] == "127.0.0.1"
