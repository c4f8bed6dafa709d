"""Observers take what others saw, so that no service is looked at twice for the same second."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from services.control_room.events import EventLog
from services.control_room.observer import Observer


class Api:
    """A service's admin plane, which counts how often it is asked."""

    def __init__(self):
        self.asked = 0
        self.instance = "a"
        self.active = {}

    def state(self):
        active = {"failure": dict(self.active), "defence": {}, "setting": {}}
        expires = {"failure": {}, "defence": {}, "setting": {}}
        sizes = {"oom_kills": 0, "memory_limit_bytes": 0, "rss_bytes": 1}
        return {"pid": 1, "instance": self.instance, "active": active, "expires": expires, **sizes}

    def get(self, path, timeout_seconds):
        self.asked += 1
        return self.state()

    def post(self, path, body, timeout_seconds):
        self.active[path.rpartition("/")[2]] = body["params"]


@pytest.fixture
def api():
    return Api()


@pytest.fixture
def events():
    return EventLog()


@pytest.fixture
def observer(api, events):
    observer = Observer("api", SimpleNamespace(clients={"api": api}), events)
    observer.look()
    return observer


def texts(events):
    return [event["text"] for event in events.after(0)]


def test_what_others_saw_is_told_without_asking_again(api, events, observer):
    api.active = {"hang": {}}
    observer.look((api.state(), time.time()))
    assert texts(events) == ["api: failure hang is on"]
    assert api.asked == 1


def test_what_is_older_than_the_last_look_is_passed_over(api, events, observer):
    old = api.state(), time.time()
    api.active = {"hang": {}}
    observer.look()
    observer.look(old)
    assert texts(events) == ["api: failure hang is on"]


def test_what_others_saw_while_switches_were_put_back_is_passed_over(api, events, observer):
    api.active = {"hang": {}}
    observer.look()
    api.active, api.instance = {}, "b"
    first, meanwhile = (api.state(), time.time()), (api.state(), time.time())
    observer.look(first)
    observer.look(meanwhile)
    observer.look()
    assert texts(events) == [
        "api: failure hang is on",
        "api: restarted",
        "api: hang put back as it was",
    ]


def test_after_a_change_the_observer_looks_itself(api, events, observer):
    before = api.state(), time.time()
    observer.wake()
    observer.tell(*before)
    assert observer._told is None
    observer.tell(api.state(), time.time() + 1)
    assert observer._told is not None
