"""Every table fits 100 columns, whatever stands in it, and loses no word."""

from __future__ import annotations

import io
from typing import Any

import pytest

from labcli.console import Style
from labcli.names import Names
from labcli.table import WIDTH, column_widths, row_lines, table, visible_length
from services.common.scenes.files import all_scenes
from tests.unit.cli.conftest import MB, Lab, Room, a_check, a_scene, a_service, a_state

SCENES = [scene.describe() for scene in all_scenes().values()]
LONGEST = max(SCENES, key=lambda scene: max(len(each["text"]) for each in scene["expectations"]))
CHECKS = [
    a_check(**each, outcome="pass", measured="a little of everything, and more", confirmed_after_seconds=40.0)
    for each in LONGEST["expectations"]
]
PARAMS = {"min_seconds": 2.0, "max_seconds": 5.0, "probability": 0.5, "duration_seconds": 30.0}
BUSY = a_service(
    rss_bytes=490 * MB,
    memory_limit_bytes=512 * MB,
    leaked_bytes=350 * MB,
    active={"failure": {"memory_leak": PARAMS, "latency": PARAMS}, "defence": {"bulkhead": {}}, "setting": {}},
    health={"level": 2, "word": "in trouble", "problems": {"memory": 2}},
)
INSTANCES = {f"api-{n}": {**BUSY, "role": "in_use", "share": 0.33, "health": BUSY["health"]} for n in (1, 2, 3)}
POINT = {"columns": ["time", "offered_rps", "served_rps", "success_ratio"], "points": [[1001.0, 20.0, 7.0, 0.35]]}
ATTEMPT = {"peer": "database", "outcome": "timeout", "seconds": 2.0}
HOPS = [{"service": "api", "status": 504, "seconds": 20.0, "attempts": [ATTEMPT] * 9}]


@pytest.fixture
def full_room(room: Room) -> Room:
    """A lab with every switch and scene, where much goes on."""
    room.answers["GET", "/api/catalogue"] = 200, {"services": Names.of_this_checkout().switches}
    room.answers["GET", "/api/scenes"] = 200, {"scenes": SCENES}
    room.answers["GET", "/api/history"] = 200, POINT
    name = LONGEST["name"]
    pending = [check | {"outcome": "pending", "measured": None} for check in CHECKS]
    runs = [{"started_at": at, "decided_seconds": 9.0, "checks": CHECKS, "total": 1234} for at in (1000.0, 2000.0)]
    room.answers["GET", "/api/outcomes"] = 200, {"comparison": {"runs": runs}}

    def start(_: Any) -> tuple[int, Any]:
        scene = a_scene(name=name, started_at=1000.0, elapsed_seconds=9.0, verdict="pass", checks=CHECKS)
        room.states = [a_state(scene=scene, services={"traffic": BUSY, "api": {**BUSY, "instances": INSTANCES}})]
        return 200, scene | {"elapsed_seconds": 0.0, "verdict": "pending", "checks": pending}

    room.answers["POST", f"/api/scenes/{name}"] = start
    start(None)
    room.answers["POST", "/api/requests"] = 200, [{"n": 1, "ok": False, "status": 504, "seconds": 20.0, "hops": HOPS}]
    return room


@pytest.mark.parametrize(
    "words",
    [
        "scene",
        "status",
        "fail",
        "defend",
        "set",
        "fail api-2",
        "set api client",
        "request",
        "doctor",
        f"scene {LONGEST['name']} --verify",
        f"scene {LONGEST['name']} --predict",
        f"scene {LONGEST['name']} --with api.adaptive_concurrency --with frontend.circuit_breaker --compare",
        f"predict {LONGEST['name']} --seeds 1",
        "predict gray_failure --seeds 1 --compare-policies",
        "predict retry_storm --seeds 1 --recovers-below",
    ],
)
def test_every_table_fits_a_hundred_columns(full_room: Room, lab: Lab, words: str) -> None:
    done = lab(*words.split())
    lines = [line for line in (done.out + done.err).splitlines() if "  " in line.strip()]
    assert lines
    assert [line for line in lines if visible_length(line) > 100] == []


def test_what_does_not_fit_goes_on_below_and_no_word_is_lost(full_room: Room, lab: Lab) -> None:
    out = lab("scene").out
    story = " ".join(LONGEST["story"].split()).split(". ")[0].split()
    assert all(word in out for word in story)
    assert len([line for line in out.splitlines() if not line.startswith(" ")]) == len(SCENES) + 1


def test_a_colour_ends_with_its_line_and_goes_on_in_the_next() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    long = Style(Terminal(), {}).paint("one two three", "error")
    lines = row_lines(["x", long], [1, 9])
    assert lines == ["x  \x1b[31mone two\x1b[0m", "     \x1b[31mthree\x1b[0m"]


def test_the_last_column_gives_way_first_and_a_word_is_never_cut() -> None:
    rows = [["n" * 30, "m " * 25, "s " * 60]]
    assert column_widths(rows) == [30, 38, 28]
    assert all(len(line) <= WIDTH for line in table(rows))
    assert column_widths([["w" * 120, "b"]]) == [120, 1]
