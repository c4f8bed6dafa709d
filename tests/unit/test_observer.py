"""The observer: what it tells, and what it puts back, also when the control room itself was away."""

from __future__ import annotations

import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from services.common.http import problems
from services.common.telemetry.state import ServiceState
from services.common.telemetry.wire import decode
from services.common.topology import API
from services.control_room.watching.events import EventLog
from services.control_room.watching.journal import Journal
from services.control_room.watching.news import SwitchNews
from services.control_room.watching.observer import Observer

ALONE = replace(API, replicas=1)
NOTHING = {"failure": {}, "defence": {}, "setting": {}}
LATENCY = {"delay_seconds": 1.0, "probability": 1.0, "duration_seconds": 0.0}
HANG = {"probability": 1.0, "duration_seconds": 0.0}


class Service:
    """An admin plane with one switch; a new instance has it off."""

    def __init__(self):
        self.boot_id, self.pid, self.up = "one", 1, True
        self.on, self.left, self.hidden = {}, {}, {}
        self.asked = []
        self.epoch = 0
        self.on_post = lambda: None

    def restart(self):
        self.boot_id, self.pid, self.on, self.left, self.hidden = "another", 2, {}, {}, {}

    def get(self, path, timeout):
        if not self.up:
            raise problems.Unreachable("down")
        active, expires = {**NOTHING, "failure": dict(self.on)}, {**NOTHING, "failure": dict(self.left)}
        life = {"service": "api", "boot_id": self.boot_id, "pid": self.pid}
        hidden = {**NOTHING, "failure": dict(self.hidden)}
        return {**life, "active": active, "hidden": hidden, "expires": expires, "epoch": self.epoch}

    def seen(self):
        return decode(ServiceState, self.get("/admin/state", 1)), time.monotonic()

    def reset(self):
        self.epoch, self.on = 1, {}

    def post(self, path, body, timeout, epoch):
        self.asked.append((path, body))
        if epoch < self.epoch:
            raise problems.Overtaken("reset")
        name = path.rsplit("/", 1)[1]
        self.on.pop(name, None)
        if body["active"]:
            (self.hidden if body["hidden"] else self.on)[name] = body["params"]
        self.on_post()


@pytest.fixture
def service():
    return Service()


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path)
    journal.open()
    yield journal
    journal.close()


@pytest.fixture
def events():
    return EventLog()


@pytest.fixture
def news(events):
    return SwitchNews(ALONE, events)


@pytest.fixture
def observer(service, journal, events, news, monkeypatch):
    """A function that makes the observer of a control room that just started."""

    def make():
        peers = SimpleNamespace(clients={"api": service})
        made = Observer(ALONE.instances[0], peers, events, journal, lambda: 0, news)
        monkeypatch.setattr(made, "_run", lambda: None)  # the test looks itself
        made.start()
        return made

    return make


def texts(events):
    return [event["text"] for event in events.after(0)]


def test_a_new_container_gets_back_what_was_on_in_the_one_before(observer, service, events):
    watching = observer()
    service.on = {"latency": LATENCY}
    watching.look()
    service.restart()
    watching.look()
    assert service.on == {"latency": LATENCY}
    assert texts(events) == ["api: restarted", "api: latency put back as it was"]


def test_it_gets_back_what_a_drill_has_hidden_and_nobody_is_told(observer, service, events):
    watching = observer()
    service.hidden = {"latency": LATENCY}
    watching.look()
    service.restart()
    watching.look()
    assert (service.hidden, service.on) == ({"latency": LATENCY}, {})
    assert texts(events) == ["api: restarted"]


def test_so_it_does_when_the_control_room_was_away_too(observer, service, events):
    service.on = {"latency": LATENCY}
    observer().look()
    service.restart()
    observer().look()
    assert service.on == {"latency": LATENCY}
    assert "api: latency put back as it was" in texts(events)


def test_what_an_older_version_had_on_is_told_once_and_the_rest_is_put_back(observer, service, events):
    service.on = {"gone": {}, "hang": {**HANG, "renamed": 1}, "latency": LATENCY}
    watching = observer()
    watching.look()
    service.restart()
    watching.look()
    watching.look()
    assert service.on == {"latency": LATENCY}
    assert [text for text in texts(events) if "cannot be put back" in text] == [
        "api: gone cannot be put back: api has no failure 'gone'",
        "api: hang cannot be put back: there is no parameter 'renamed'",
    ]


def test_what_would_have_expired_meanwhile_is_not_put_back_and_the_rest_for_what_was_left(observer, service):
    service.on = {"latency": LATENCY, "hang": HANG}
    service.left = {"latency": 0.0, "hang": 60.0}
    watching = observer()
    watching.look()
    service.restart()
    watching.look()
    assert list(service.on) == ["hang"]
    assert 0 < service.on["hang"]["duration_seconds"] <= 61


@pytest.mark.parametrize("control_room_restarts", [False, True])
def test_nothing_is_put_back_over_a_reset(observer, service, control_room_restarts):
    service.on = {"latency": LATENCY}
    watching = observer()
    watching.look()
    service.restart()
    watching.forget()
    (observer() if control_room_restarts else watching).look()
    assert service.on == {}


def test_a_reset_in_the_middle_of_it_has_the_last_word(observer, service):
    service.on = {"latency": LATENCY, "hang": HANG}
    watching = observer()
    watching.look()
    service.restart()
    service.on_post = service.reset
    watching.look()
    assert service.on == {} and len(service.asked) == 2, "one before the reset, one that it refused, and no more"


def test_a_mere_crash_is_told_and_nothing_is_put_back(observer, service, events):
    service.on = {"latency": LATENCY}
    watching = observer()
    watching.look()
    service.pid = 2
    watching.look()
    assert not service.asked and texts(events) == ["api: restarted"]


def test_what_was_told_before_is_not_told_again(observer, service, events):
    service.on = {"latency": LATENCY}
    observer().look()
    before = texts(events)
    observer().look()
    assert texts(events) == before


@pytest.mark.parametrize("rubbish", [None, 1, [], {}, {"boot_id": "one"}])
def test_rubbish_in_the_journal_is_nothing_seen(observer, service, journal, rubbish):
    journal.note("instances/api", rubbish)
    watching = observer()
    assert watching.known_boot_id() is None
    watching.look()


def test_what_others_saw_is_told_without_asking_again(observer, service, events):
    watching = observer()
    watching.look()
    service.on = {"latency": LATENCY}
    seen = service.seen()
    service.up = False
    watching.look(seen)
    assert "api: failure latency is on (delay_seconds 1)" in texts(events)
    assert "api: does not answer" not in texts(events)


def test_what_is_older_than_the_last_look_is_passed_over(observer, service, events):
    watching = observer()
    watching.look()
    old = service.seen()
    service.on = {"latency": LATENCY}
    watching.look()
    watching.look(old)
    assert "api: failure latency is off" not in texts(events)


def test_what_others_saw_before_a_change_does_not_stand_for_a_look_after_it(observer, service):
    watching = observer()
    before = service.seen()
    watching.wake()
    watching.hear(*before)
    assert watching._heard is None
    watching.hear(before[0], time.monotonic() + 1)
    assert watching._heard is not None


def test_what_others_saw_while_switches_were_put_back_is_passed_over(observer, service, events):
    service.on = {"latency": LATENCY}
    watching = observer()
    watching.look()
    service.restart()
    first, meanwhile = service.seen(), service.seen()
    watching.look(first)
    watching.look(meanwhile)
    watching.look()
    assert [text for text in texts(events) if "latency" in text] == ["api: latency put back as it was"]


def test_what_a_scene_tells_itself_is_no_news(observer, service, events, news):
    """It names what it switches on in a line; whatever else changes is still told."""
    watching = observer()
    watching.look()
    news.expect("failure", "latency", {"delay_seconds": 1})
    service.on = {"latency": LATENCY, "hang": {}}
    watching.look()
    assert texts(events) == ["api: failure hang is on"]
    service.on = {"latency": {"delay_seconds": 2}}
    watching.look()
    assert texts(events)[1:] == ["api: failure latency is on (delay_seconds 2)", "api: failure hang is off"]


def test_what_a_reset_switches_off_is_told_by_the_reset(observer, service, events):
    watching = observer()
    service.on = {"latency": LATENCY}
    watching.look()
    service.on, service.epoch = {}, service.epoch + 1
    watching.look()
    assert texts(events) == []
    service.on = {"latency": LATENCY}
    watching.look()
    service.on = {}
    watching.look()
    assert texts(events)[1:] == ["api: failure latency is off"]
