"""The control room's parts that need no running lab: events, the shared look, and the scenes as data."""

from __future__ import annotations

import json
import threading

import pytest

from services.common.http.problems import InvalidParameter, TooManyStreams
from services.common.scenes.files import all_scenes, read_scene
from services.common.scenes.measures import MEASURES, Recording
from services.common.scenes.model import Expectation
from services.common.switches.catalogue import CATALOGUE
from services.common.telemetry.state import ServiceState, TrafficState, Users
from services.control_room.watching.events import EVENTS_AT_ONCE, MAX_STREAMS, EventLog
from services.control_room.watching.peers import SharedLook
from tests.conftest import wait_until


def test_events_are_numbered_and_can_be_asked_for_after_one():
    log = EventLog()
    for text in ("one", "two", "three"):
        log.add(text)
    first, *rest = log.after(0)
    assert [event["text"] for event in rest] == ["two", "three"]
    assert log.after(first["id"]) == rest
    assert log.after(log.last_id()) == []


def test_a_stream_sends_what_was_and_what_comes_without_loss_or_repetition():
    log = EventLog()
    log.add("one")
    stream = log.stream(0)
    assert next(stream).startswith("retry:")
    assert '"one"' in next(stream)
    log.add("two")
    assert '"two"' in next(stream)
    stream.close()


def test_who_comes_late_gets_a_long_log_in_pieces():
    log = EventLog()
    for number in range(3 * EVENTS_AT_ONCE + 1):
        log.add(str(number))
    stream = log.stream(0)
    next(stream)
    pieces = [next(stream) for _ in range(4)]
    assert [piece.count("\nid: ") + 1 for piece in pieces] == [EVENTS_AT_ONCE] * 3 + [1]
    found = [json.loads(line[6:])["text"] for line in "".join(pieces).splitlines() if line.startswith("data: ")]
    assert found == [str(number) for number in range(3 * EVENTS_AT_ONCE + 1)]


def test_streams_are_bounded_and_one_that_ends_makes_room():
    log = EventLog()
    streams = [log.stream(0) for _ in range(MAX_STREAMS)]
    for stream in streams:
        next(stream)
    with pytest.raises(TooManyStreams):
        log.stream(0)
    streams.pop().close()
    log.stream(0).close()  # never begun, as for HEAD
    log.stream(0)


def test_a_look_is_shared_but_never_older_than_its_caller():
    looks, go = [], threading.Event()

    def look():
        looks.append(len(looks))
        go.wait(5)
        return {"number": {"value": len(looks)}}

    shared = SharedLook(look)
    results = []
    first = threading.Thread(target=lambda: results.append(shared.get()))
    first.start()
    wait_until(lambda: looks, "a look")
    late = [threading.Thread(target=lambda: results.append(shared.get())) for _ in range(20)]
    for thread in late:
        thread.start()
    wait_until(lambda: len(shared._changed._waiters) == 20, "all of them wait")
    go.set()
    for thread in [first, *late]:
        thread.join(5)
    assert len(looks) == 2, "one that was under way when they came, and one for all of them"
    assert sorted(result["number"]["value"] for result in results) == [1, *[2] * 20]


def test_a_look_that_fails_does_not_block_the_next():
    answers = iter([RuntimeError("boom"), None])

    def look():
        answer = next(answers)
        if answer:
            raise answer
        return {"fine": None}

    shared = SharedLook(look)
    with pytest.raises(RuntimeError):
        shared.get()
    assert shared.get() == {"fine": None}


@pytest.mark.parametrize("scene", all_scenes().values(), ids=list(all_scenes()))
def test_every_scene_can_be_told(scene):
    assert scene.title and scene.story and scene.do and scene.watch and scene.expect
    assert scene.story == scene.story.strip()
    assert all(expectation.expected() for expectation in scene.expect)


A_SCENE = """
title = "Errors"
order = 99
story = "One answer in ten is an error."
do = ["Start the scene"]
watch = ["Success falls"]
rps = 10

[[steps]]
say = "Errors"
at_seconds = 10
on = [{ service = "api", kind = "failure", name = "error_rate", params = { rate = 0.1 } }]

[[expect]]
text = "success"
measure = "success_ratio"
maximum = 0.97
unit = "%"
at_seconds = 30
"""


def test_a_scene_has_the_name_of_its_file(tmp_path):
    file = tmp_path / "errors.toml"
    file.write_text(A_SCENE)
    scene = read_scene(file)
    assert (scene.name, scene.duration_seconds, scene.steps[0].on[0].params) == ("errors", 30, {"rate": 0.1})


@pytest.mark.parametrize(
    ("right", "wrong", "detail", "allowed"),
    [
        ("rps = 10", "rps = ", "bad.toml: it is not TOML: ", None),
        ("rps = 10", "rps = 501", "bad.toml: rps must be from 0 to 500 1/s, not 501", 500),
        ("rps = 10", 'rps = "ten"', "bad.toml: rps must be a number, not 'ten'", None),
        ('title = "Errors"', "", "bad.toml: title is missing", None),
        ('title = "Errors"', 'name = "Errors"', "bad.toml: there is no key 'name'", "title"),
        ('["Success falls"]', '"Success falls"', "bad.toml: watch must be a list, not 'Success falls'", None),
        (A_SCENE[A_SCENE.index("[[expect]]") :], "", "bad.toml: expect is missing", None),
        ("[[expect]]", "[expect]", "bad.toml: expect must be a list of tables: write [[expect]] above each", None),
        ("at_seconds = 10", "at_second = 10", "bad.toml: steps 1: there is no key 'at_second'", "at_seconds"),
        ("error_rate", "eror_rate", "bad.toml: steps 1: on 1: api has no failure 'eror_rate'", "error_rate"),
        ("rate = 0.1", "rate = 3", "bad.toml: steps 1: on 1: rate must be from 0 to 1, not 3", 1),
        ("rps = 10", 'chart = "pie"\nrps = 10', "bad.toml: there is no chart 'pie'", "littles_law"),
        ("success_ratio", "sucess", "bad.toml: expect 1: there is no measure 'sucess'", "success_ratio"),
        ("at_seconds = 30", "", "bad.toml: expect 1: it needs at_seconds or within_seconds, and not both", None),
        ("maximum = 0.97", "", "bad.toml: expect 1: it needs a minimum, a maximum, or what it equals", None),
        ("maximum = 0.97", "maximum = 0.5\nminimum = 1", "bad.toml: expect 1: its minimum is above its maximum", None),
        ("maximum = 0.97", "maximum = true", "bad.toml: expect 1: maximum must be a number, not True", None),
    ],
)
def test_a_file_that_cannot_be_played_is_refused_and_says_where(tmp_path, right, wrong, detail, allowed):
    file = tmp_path / "bad.toml"
    assert right in A_SCENE
    file.write_text(A_SCENE.replace(right, wrong))
    with pytest.raises(InvalidParameter) as refused:
        read_scene(file)
    assert refused.value.detail.startswith(detail)
    assert str(allowed or "") in str(refused.value.allowed or "")


def test_the_five_scenes_of_the_demo_come_first():
    assert list(all_scenes())[:5] == ["normal", "memory_leak", "slow_query", "full_cascade", "recovery"]


@pytest.mark.parametrize(
    ("expectation", "words", "met", "missed"),
    [
        (Expectation("t", "m", minimum=0.25, maximum=0.45, unit="%"), "25 to 45 %", 0.25, 0.46),
        (Expectation("t", "m", maximum=0.1, unit="ms"), "at most 100 ms", 0.1, 0.101),
        (Expectation("t", "m", minimum=2, unit="attempts"), "at least 2 attempts", 2.0, 1.99),
        (Expectation("t", "m", minimum=1, maximum=1, unit="%"), "100 %", 1.0, 0.999),
        (Expectation("t", "m", equals="RED"), "RED", "RED", "GREEN"),
        (Expectation("t", "m", minimum=1), "at least 1", 1.0, None),
    ],
)
def test_an_expectation_says_what_it_expects_and_knows_when_it_is_met(expectation, words, met, missed):
    assert expectation.expected() == words
    assert expectation.is_met_by(met)
    assert not expectation.is_met_by(missed)


def test_the_catalogue_names_each_switch_once():
    for switches in CATALOGUE.values():
        names = [(switch.kind, switch.name) for switch in switches]
        assert len(names) == len(set(names))


class LabOfFailures:
    """A lab of which a scene knows only when users failed, in seconds ago."""

    def __init__(self, *seconds_ago):
        self.events = EventLog()
        self.peers = self
        self._seconds_ago = seconds_ago

    def window(self, service, seconds):
        failed = sum(ago <= seconds for ago in self._seconds_ago)
        return ServiceState(service, traffic=TrafficState(users=Users(ended=100, succeeded=100 - failed)))


def test_errors_at_each_event_are_those_of_the_event_that_had_fewest():
    lab = LabOfFailures(61, 60, 59, 40, 21)
    recording = Recording(lab, {})
    expectation = Expectation("lost at each tooth", "errors_at_each_event", contains="killed")
    assert MEASURES["errors_at_each_event"].read(recording, expectation) is None
    for seconds_ago in (60, 20):
        lab.events.add("api: killed by the kernel")
        lab.events.after(0)[-1]["time"] -= seconds_ago
    assert MEASURES["errors_at_each_event"].read(recording, expectation) == 1
    assert MEASURES["event_count"].read(recording, expectation) == 2
