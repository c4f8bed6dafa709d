"""A scene on stage: what it does when a service or the control room was away meanwhile."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest

from services.common.http import problems
from services.common.scenes.measures import Recording
from services.common.scenes.model import Expectation, Play, Scene, Step, Switched
from services.common.telemetry.state import ServiceState, TrafficState, Users
from services.control_room.stage import Run, Stage
from services.control_room.watching.events import EventLog
from services.control_room.watching.journal import Journal
from tests.conftest import wait_until


class Peers:
    """The api grows by a byte with each look; users can only be counted while they `answer`."""

    def __init__(self):
        self.size = 0
        self.answer = threading.Event()
        self.answer.set()

    def window(self, service, seconds):
        self.size += 1
        if service == "traffic":
            self.answer.wait(20)
        return ServiceState(service, rss_bytes=self.size, traffic=TrafficState(users=Users(success_ratio=1.0)))


class Lab:
    """Notes what is done to it; `down` says that a service does not answer."""

    def __init__(self):
        self.events = EventLog()
        self.peers = Peers()
        self.done = []
        self.down = threading.Event()
        self.epoch = 7

    def switch(self, service, kind, name, active, params, epoch):
        if epoch != self.epoch:
            raise problems.Overtaken("the lab was reset")
        if self.down.is_set():
            raise problems.Unreachable(f"{service} does not answer")
        self.done.append((name, active))

    def set_traffic(self, rps, seed, epoch, patience_seconds):
        self.done.append(("traffic", rps))

    def test_requests(self, count):
        for _ in range(count):
            self.done.append("request")
            yield {"seconds": 0.1}


HANG = Switched("api", "failure", "hang")
STEPS = (
    Step("one", 0, requests=3),
    Step("two", 10, sentence="It has hung for {since}.", on=(HANG,)),
    Step("three", 20, off=(HANG,), rps=2),
    Step("four", 10**6, rps=3),
)
EXPECTED = (
    Expectation("decided", "success_ratio", minimum=1, at_seconds=1),
    Expectation("its moment passed", "success_ratio", minimum=1, at_seconds=20),
    Expectation("it looks back", "request_seconds", maximum=1, within_seconds=20, request=3),
    Expectation("still to come", "success_ratio", minimum=1, at_seconds=10**6),
)


@pytest.fixture
def lab():
    return Lab()


@pytest.fixture
def run_of(lab, monkeypatch):
    """Take a scene up from what the control room before left, so many seconds after its start."""
    scene = Scene("drama", "Drama", 1, "story", (), (), 1, (), STEPS, EXPECTED)
    monkeypatch.setattr("services.control_room.stage.find_scene", lambda name: scene)
    monkeypatch.setattr("services.common.scenes.checks.TICK_SECONDS", 0.01)
    monkeypatch.setattr("services.control_room.stage.RETRY_SECONDS", 0.01)
    runs = []

    def run_of(elapsed, sent=2, clock=None, **kept):
        recording = {"before_rss": {}, "start_rss": {"api": 0}, "reset_seconds": 0.3, "first_event": 0}
        recording |= {"request_seconds": [0.1] * sent, "rss_after": [1] * sent, "started_at": EPOCH - elapsed}
        recording |= {"elapsed_seconds": 0, "kept_at": EPOCH - elapsed, "stands": False, **(clock or {})}
        decided = {"outcome": "pass", "measured": 1.0, "confirmed_after_seconds": 1.2}
        document = {"name": "drama", "play": {}, "epoch": 7, "steps_done": 0, "moments": [0], "recording": recording}
        monkeypatch.setattr("services.common.scenes.measures.time.time", lambda: EPOCH)
        runs.append(Run.of(document | {"checks": [decided, None, None, None]} | kept, lab, lambda: None))
        runs[-1].start()
        return runs[-1]

    yield run_of
    for run in runs:
        run.stop()


EPOCH = 1_000_000.0


def test_what_was_due_meanwhile_is_done_in_order_and_a_half_done_step_to_its_end(lab, run_of):
    run_of(60)
    wait_until(lambda: len(lab.done) == 4, "the steps that were due")
    assert lab.done == ["request", ("hang", True), ("hang", False), ("traffic", 2)]


def test_steps_that_were_done_are_not_done_again(lab, run_of):
    run = run_of(60, sent=3, steps_done=2, moments=[0, 10])
    wait_until(lambda: run.keep()["steps_done"] == 3, "the third step")
    assert lab.done == [("hang", False), ("traffic", 2)]


def test_a_moment_that_passed_was_not_measured_and_the_rest_goes_on(lab, run_of):
    run = run_of(60)
    wait_until(lambda: outcomes(run)[1:3] == ["fail", "pass"], "the moment that passed, and the third request")
    decided, missed, _, to_come = run.describe()["checks"]
    assert (decided["outcome"], decided["confirmed_after_seconds"]) == ("pass", 1.2)
    assert (missed["outcome"], missed["measured"]) == ("fail", "nothing measured")
    assert to_come["outcome"] == "pending"


def test_a_step_waits_for_a_service_that_is_down(lab, run_of):
    lab.down.set()
    run_of(60)
    wait_until(lambda: any("drama waits" in event["text"] for event in lab.events.after(0)), "it is told")
    lab.down.clear()
    wait_until(lambda: ("traffic", 2) in lab.done, "the steps are done after all")
    assert sum("drama waits" in event["text"] for event in lab.events.after(0)) == 1


def test_a_scene_that_a_reset_has_ended_sends_nothing(lab, run_of):
    lab.down.set()
    run_of(60, sent=3)
    wait_until(lambda: any("drama waits" in event["text"] for event in lab.events.after(0)), "it waits")
    lab.epoch = 8
    lab.down.clear()
    threads = lambda: [thread.name for thread in threading.enumerate()]  # noqa: E731
    wait_until(lambda: threads().count("scene-drama") < 3, "its steps are over")
    assert lab.done == []


@pytest.mark.parametrize("kept", [{"checks": []}, {"recording": {}}, {"steps_done": "three", "checks": None}])
def test_a_scene_that_cannot_be_read_is_refused(run_of, kept):
    with pytest.raises((KeyError, TypeError, ValueError)):
        run_of(60, **kept)


def test_a_defence_that_was_added_stays_whatever_the_steps_say(lab, run_of, monkeypatch):
    budget = Switched("api", "defence", "retry_budget")
    scene = Scene("drama", "Drama", 1, "story", (), (), 1, (), (Step("off", on=(HANG,), off=(budget,)),), EXPECTED)
    monkeypatch.setattr("services.control_room.stage.find_scene", lambda name: scene)
    run_of(60, sent=0, play={"with": [{"service": "api", "name": "retry_budget"}]})
    wait_until(lambda: lab.done, "the step")
    assert lab.done == [("hang", True)]


BEFORE = Expectation("before the hang", "success_ratio", minimum=1, at_seconds=0.1)
BESIDE = Expectation("one that looks at the log", "event", contains="drama", equals="in the log", within_seconds=10)


@pytest.fixture
def run(lab):
    """A scene that measures, then lets the api hang."""
    scene = Scene("drama", "Drama", 1, "story", (), (), 1, (), (Step("trigger", 0.1, on=(HANG,)),), (BEFORE, BESIDE))
    run = Run(scene, lab, Recording(lab, {}), Play(), 7, lambda: None)
    yield run
    run.stop()


def test_a_step_waits_for_what_is_measured_before_it_and_a_slow_look_delays_no_other(lab, run):
    lab.peers.answer.clear()
    run.start()
    lab.events.add("drama")
    wait_until(lambda: outcomes(run)[1] == "pass", "the other expectation is decided")
    assert (outcomes(run), lab.done) == (["pending", "pass"], [])
    lab.peers.answer.set()
    wait_until(lambda: lab.done == [("hang", True)], "the step")
    assert outcomes(run) == ["pass", "pass"]


def test_a_step_does_not_wait_for_ever(lab, run, monkeypatch):
    monkeypatch.setattr("services.control_room.stage.REPEAT_SECONDS", 0.1)
    lab.peers.answer.clear()
    run.start()
    wait_until(lambda: lab.done == [("hang", True)], "the step")
    assert outcomes(run)[0] == "pending"
    lab.peers.answer.set()


def test_the_verdict_is_told_once(lab, run):
    run.start()
    lab.events.add("drama")
    told = "scene drama: as expected"
    wait_until(lambda: any(told == event["text"] for event in lab.events.after(0)), told)
    assert sum(told == event["text"] for event in lab.events.after(0)) == 1


def outcomes(run):
    return [check.outcome for check in run.checks]


def test_the_sentence_is_that_of_the_last_step_that_has_one(run_of):
    assert run_of(5, steps_done=1).sentence() == ("", pytest.approx(5, abs=2))
    run = run_of(60, steps_done=3, moments=[0, 12, 20])
    assert run.sentence() == ("It has hung for {since}.", pytest.approx(48, abs=2))


BEFORE_IT = Expectation("before it", "success_ratio", minimum=1, at_seconds=10, window_seconds=8)
AFTER_IT = Expectation("the cure works", "success_ratio", minimum=1, at_seconds=40, window_seconds=35)
LOOKED_FOR = Expectation("the kernel kills it", "event", contains="killed", equals="in the log", within_seconds=60)


def test_nothing_tells_what_is_to_come(lab, monkeypatch):
    """What everybody may read has the steps that have come, and the expectations whose window is open."""
    steps = (Step("the trigger", 10), Step("the cure", 20))
    scene = Scene("drama", "Drama", 1, "story", (), (), 1, (), steps, (BEFORE_IT, AFTER_IT, LOOKED_FOR), "the lesson")
    run = Run(scene, lab, Recording(lab, {}), Play(), 7, lambda: None)
    now = [0.0]
    monkeypatch.setattr(run.recording, "elapsed_seconds", lambda: now[0])
    told = lambda: [check["text"] for check in run.describe()["checks"]]  # noqa: E731
    assert told() == [None, None, None]
    assert not any(word in str(run.describe()) for word in ("trigger", "cure", "kernel", "the lesson", "killed"))
    now[0] = 2.0
    assert told() == ["before it", None, None]
    now[0], run._steps_done, run._moments = 12.0, 1, [10.2]
    assert run.describe()["steps"] == [{"at_seconds": 10.2, "say": "the trigger"}]
    assert told() == ["before it", None, None]  # its window goes back to before the cure, which has not come
    now[0], run._steps_done, run._moments = 20.5, 2, [10.2, 20.0]
    assert told() == ["before it", "the cure works", None]
    for check in run.checks:
        check.outcome = "pass"
    assert (told()[2], run.describe()["lesson"]) == ("the kernel kills it", "the lesson")


@pytest.fixture
def pressed(lab):
    """A scene that leaves its three test requests to the presenter, and has users after them."""
    steps = (Step("three requests", 0, requests=3), Step("users", 0.3, rps=2))
    fast = Expectation("the third", "request_seconds", maximum=1, within_seconds=0.3, request=3)
    scene = Scene("drama", "Drama", 1, "story", (), (), 0, (), steps, (fast,))
    run = Run(scene, lab, Recording(lab, {"api": 0}), Play(hands_on=True), 7, lambda: None)
    run.start()
    wait_until(lambda: run.describe()["waits"], "it waits")
    yield run
    run.stop()


def test_a_scene_waits_for_the_presenters_presses_and_so_does_what_it_expects(lab, pressed):
    stood_at = pressed.describe()["elapsed_seconds"]
    deadline = time.monotonic() + 0.8  # longer than the expectation has, and than the users are away
    wait_until(lambda: time.monotonic() > deadline, "nobody presses")
    assert (lab.done, pressed.describe()["elapsed_seconds"], outcomes(pressed)) == ([], stood_at, ["pending"])
    for seconds in (0.1, 0.2, 0.4):
        pressed.note_press({"seconds": seconds})
    wait_until(lambda: lab.done == [("traffic", 2)], "it goes on")
    pressed.note_press({"seconds": 9})  # one more is none of the scene's
    wait_until(lambda: outcomes(pressed) == ["pass"], "its third request was fast enough")
    assert pressed.describe()["requests_seconds"] == [0.1, 0.2, 0.4]


def test_a_scene_that_waits_ends_with_a_reset(lab, pressed):
    pressed.stop()
    wait_until(lambda: not pressed.describe()["waits"], "it waits no more")
    pressed.note_press({"seconds": 0.1})
    assert (pressed.describe()["requests_seconds"], lab.done) == ([], [])


@pytest.mark.parametrize("sent", [1, 3])
def test_a_scene_that_waited_when_the_control_room_ended_waits_on_from_where_it_stood(lab, run_of, sent):
    clock = {"elapsed_seconds": 0.4, "stands": True}
    run = run_of(3600, sent=sent, clock=clock, play={"hands_on": True})
    for _ in range(3 - sent):
        wait_until(lambda: run.describe()["waits"], "it waits")
        run.note_press({"seconds": 0.1})
    wait_until(lambda: run.keep()["steps_done"] == 1, "the presses are done")
    assert run.describe()["elapsed_seconds"] < 10 and lab.done == []


def test_how_a_scene_was_last_is_told_before_it_is_over(tmp_path):
    stage = Stage(SimpleNamespace(journal=Journal(tmp_path), reset=dict), bets=None)
    told = []
    stage.when_over = told.append
    stage._run = SimpleNamespace(describe=lambda: "as it was", stop=lambda: told.append("stopped"))
    stage.reset()
    assert told == ["as it was", "stopped"]
