"""Watches each service, tells the activity log what changed, and puts back what a new container has forgotten."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from services.common.http import problems
from services.common.process.memory import MB
from services.common.switches.base import KINDS
from services.common.switches.catalogue import check_switch
from services.control_room.watching.events import EventLog
from services.control_room.watching.journal import Journal
from services.control_room.watching.peers import Peers

log = logging.getLogger(__name__)
INTERVAL_SECONDS = 1.0
OTHERS_SECONDS = 1.5  # the status is kept once a second: an observer whom it tells nothing for longer looks itself
TIMEOUT_SECONDS = 2.0  # a long collection is not yet a dead service
MEMORY_WARNINGS = (0.50, 0.75, 0.90)
REARM = 0.05
STARTING_SECONDS = 10.0
SILENCE_SECONDS = 2.5
MEMORY_ERROR = 0.90
SEEN = ("instance", "pid", "oom_kills", "active")
SEEN_TOO = ("expires_at", "warned", "up", "forgotten")
State = dict[str, Any]


class Observer:
    """Watches one service from a thread of its own, so that a stuck one holds up nobody."""

    def __init__(
        self, service: str, peers: Peers, events: EventLog, journal: Journal, epoch: Callable[[], int]
    ) -> None:
        """`epoch` is the number of the lab's epoch."""
        self._service = service
        self._client = peers.clients[service]
        self._events = events
        self._journal = journal
        self._epoch = epoch
        self._section = f"services/{service}"
        self._lock = threading.Lock()
        self._seen: State | None = None
        self._seen_at = 0.0
        self._told: tuple[State, float] | None = None
        self._last_said: tuple[State | None, float] = None, 0.0
        self._changed_at = 0.0
        self._forget_before = 0.0
        self._answered = time.monotonic()
        self._woken = threading.Event()
        self._up: bool | None = None  # not known yet
        self._warned = 0.0

    def start(self) -> None:
        """Watch for ever, from what the control room before this one saw last."""
        self._answered = time.monotonic()
        self._seen = self._seen_before()
        if self._seen is not None:
            self._up, self._warned = self._seen["up"], self._seen["warned"]
        threading.Thread(target=self._run, name=f"observe-{self._service}", daemon=True).start()

    def _seen_before(self) -> State | None:
        seen = self._journal.section(self._section)
        return seen if _is_seen(seen) else None

    def known_instance(self) -> str | None:
        """The container's life that the journal knows."""
        seen = self._seen_before()
        return None if seen is None else str(seen["instance"])

    def _run(self) -> None:
        while True:
            began = time.monotonic()
            told, self._told = self._told, None
            try:
                self.look(told)
            except Exception:
                log.exception("observing %s", self._service)
            interval = OTHERS_SECONDS if told else INTERVAL_SECONDS
            self._woken.wait(max(0.05, interval - (time.monotonic() - began)))
            self._woken.clear()

    def silent_seconds(self) -> float:
        """How long ago the service answered last; a long garbage collection is not yet a dead service."""
        return time.monotonic() - self._answered

    def wake(self) -> None:
        """Look soon: something was changed."""
        self._changed_at, self._told = time.monotonic(), None
        self._woken.set()

    @property
    def last_said(self) -> State | None:
        """The last state that the service told anybody since the last reset, however long that look took."""
        return self._last_said[0]

    def _hear(self, state: State, asked_at: float) -> None:
        with self._lock:
            if asked_at > max(self._forget_before, self._last_said[1]):
                self._last_said = state, asked_at

    def tell(self, state: State, asked_at: float) -> None:
        """Somebody else has looked: then this observer need not, unless something was changed meanwhile."""
        self._hear(state, asked_at)
        if asked_at > self._changed_at:
            self._told = state, asked_at
            self._woken.set()

    def forget(self) -> None:
        """A reset comes: a container that is down now comes back with nothing on."""
        with self._lock:
            self._forget_before = time.monotonic()
            self._last_said = None, self._forget_before
            if self._seen is not None:
                self._keep({**self._seen, "forgotten": True})

    def look(self, told: tuple[State, float] | None = None) -> None:
        """Ask the service once, unless somebody else did, and tell what is new. Called by one thread alone."""
        epoch = self._epoch()  # before what was seen last: a reset makes that forgotten first
        try:
            state, asked_at = told or self._ask()
        except problems.Unreachable:
            if self.silent_seconds() > SILENCE_SECONDS:  # less is a crash and its restart, or a long collection
                self._tell_up(False)
            return
        self._hear(state, asked_at)
        if asked_at < self._seen_at:
            return  # older than what was seen already
        self._answered = time.monotonic()
        self._tell_up(True)
        last = self._seen
        if last is not None:
            self._tell_restart(last, state)
            if last["instance"] != state["instance"] and not last["forgotten"]:
                state, asked_at = self._put_back(last, state, epoch)
            self._tell_switches(last, state)
        self._tell_memory(state)
        self._remember(state, asked_at)

    def _remember(self, state: State, asked_at: float) -> None:
        """What a new container of the service would have to be told, and what the log was told already."""
        expires_at = {
            kind: {name: math.floor(time.time() + left) for name, left in found.items()}  # whole seconds change seldom
            for kind, found in state["expires"].items()
        }
        seen = {key: state[key] for key in SEEN} | {"expires_at": expires_at, "warned": self._warned, "up": True}
        with self._lock:
            self._keep({**seen, "forgotten": asked_at <= self._forget_before})
        self._seen_at = asked_at

    def _keep(self, seen: State) -> None:
        self._seen = seen
        self._journal.note(self._section, seen)

    def _ask(self) -> tuple[State, float]:
        asked_at = time.monotonic()
        return self._client.get("/admin/state", TIMEOUT_SECONDS), asked_at

    def _tell_up(self, up: bool) -> None:
        if self._up is None and (up or self.silent_seconds() < STARTING_SECONDS):
            self._up = up or None  # the services start side by side: one that is not there yet is no news
        elif up != self._up:
            self._up = up
            if up:
                self._events.add(f"{self._service}: answers again", level="good", service=self._service)
            else:
                self._events.add(f"{self._service}: does not answer", level="error", service=self._service)
                with self._lock:
                    if self._seen is not None:
                        self._keep({**self._seen, "up": False})

    def _tell_restart(self, last: State, state: State) -> None:
        if last["pid"] == state["pid"] and last["instance"] == state["instance"]:
            return
        killed = state["oom_kills"] > last["oom_kills"]
        limit = state["memory_limit_bytes"] / MB
        why = f"out of memory, killed by the kernel at its limit of {limit:.0f} MB, and " if killed else ""
        self._events.add(f"{self._service}: {why}restarted", level="error", service=self._service)

    def _put_back(self, last: State, state: State, epoch: int) -> tuple[State, float]:
        """Switch on what was on in the container before; the service keeps it itself over a mere crash."""
        for kind, name, params in _missing(last, state, time.time()):
            try:
                check_switch(self._service, kind, name, params)
            except (problems.NotFound, problems.InvalidParameter) as problem:  # it is of an older version of the lab
                text = f"{self._service}: {name} cannot be put back: {problem}"
                self._events.add(text, level="warning", service=self._service)
                continue
            path = f"/admin/switches/{kind}/{name}"
            try:
                self._client.post(path, {"active": True, "params": params}, TIMEOUT_SECONDS, epoch)
            except problems.Overtaken:  # a reset came in between, and it has the last word
                break
            self._events.add(f"{self._service}: {name} put back as it was", service=self._service)
        return self._ask()

    def _tell_switches(self, last: State, state: State) -> None:
        for kind, now_on in state["active"].items():
            were_on = last["active"][kind]
            for name, params in now_on.items():
                if were_on.get(name) != params:
                    level = "warning" if kind == "failure" else "info"
                    text = sentence_on(self._service, kind, name, params)
                    self._events.add(text, level=level, service=self._service)
            for name in were_on.keys() - now_on.keys():
                what = "back to its default" if kind == "setting" else "off"
                self._events.add(f"{self._service}: {kind} {name} is {what}", service=self._service)

    def _tell_memory(self, state: State) -> None:
        limit = state["memory_limit_bytes"]
        if not limit:
            return
        share = state["rss_bytes"] / limit
        if share < self._warned - REARM:
            self._warned = max((mark for mark in MEMORY_WARNINGS if mark <= share), default=0.0)
        for mark in MEMORY_WARNINGS:
            if self._warned < mark <= share:
                self._warned = mark
                sizes = (
                    f"at {state['rss_bytes'] / MB:.0f} MB, past {mark * 100:.0f} % of its limit of {limit / MB:.0f} MB"
                )
                text = f"{self._service}: memory {sizes}"
                self._events.add(text, level="error" if mark >= MEMORY_ERROR else "warning", service=self._service)


def _is_seen(seen: Any) -> bool:
    """Whether it is what an observer notes; a journal may hold anything."""
    if not isinstance(seen, dict) or seen.keys() != {*SEEN, *SEEN_TOO}:
        return False
    kinds = [seen["active"], seen["expires_at"]]
    has_kinds = all(isinstance(kind, dict) and kind.keys() == set(KINDS) for kind in kinds)
    return (
        has_kinds
        and all(isinstance(found, dict) for kind in kinds for found in kind.values())
        and all(isinstance(params, dict) for found in seen["active"].values() for params in found.values())
        and all(isinstance(moment, int | float) for found in seen["expires_at"].values() for moment in found.values())
        and isinstance(seen["warned"], int | float)
        and isinstance(seen["oom_kills"], int)
    )


def _missing(last: State, state: State, now: float) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What was on and is not, as kind, name and parameters; what would have gone off by itself since then is not."""
    for kind, switches in last["active"].items():
        for name, params in switches.items():
            left = last["expires_at"][kind].get(name, math.inf) - now
            if name not in state["active"][kind] and left > 0:
                yield kind, name, params if left == math.inf else {**params, "duration_seconds": left}


def sentence_on(service: str, kind: str, name: str, params: dict[str, Any]) -> str:
    """What a switch that went on is, in words: "api: failure memory_leak is on (mb_per_request 20)"."""
    hidden = {"probability": 1.0, "duration_seconds": 0.0, "seed": 0}
    shown = ", ".join(
        f"{key} {value:g}" if isinstance(value, int | float) else f"{key} {value}"
        for key, value in params.items()
        if hidden.get(key) != value
    )
    return f"{service}: {kind} {name} is on" + (f" ({shown})" if shown else "")
