"""Watches each instance, reports to the activity log what changed, and puts back what a new container has forgotten."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from services.common.http import problems
from services.common.process.memory import MB
from services.common.switches.base import KINDS
from services.common.switches.catalogue import check_switch
from services.common.telemetry.state import Active, ServiceState, nothing_on
from services.common.telemetry.wire import WireError, decode, encode
from services.common.topology import Instance
from services.common.words import params_words
from services.control_room.watching.events import EventLog
from services.control_room.watching.journal import Journal
from services.control_room.watching.news import SwitchNews
from services.control_room.watching.peers import Peers, state_of

log = logging.getLogger(__name__)
INTERVAL_SECONDS = 1.0
OTHERS_SECONDS = 1.5  # the status is kept once a second: an observer that hears nothing for longer looks itself
TIMEOUT_SECONDS = 2.0  # a long collection is not yet a dead service
MEMORY_WARNINGS = (0.50, 0.75, 0.90)
REARM = 0.05
STARTING_SECONDS = 10.0
SILENCE_SECONDS = 2.5
MEMORY_ERROR = 0.90


@dataclass(frozen=True)
class Seen:
    """What was seen of an instance last, for the log and for a new container of it. Kept in the journal.

    `expires_at` is in seconds since 1970; `forgotten` says that a reset has come since.
    """

    boot_id: str
    pid: int
    oom_kills: int
    active: Active
    expires_at: dict[str, dict[str, float]]
    warned: float
    up: bool
    forgotten: bool
    hidden: Active = field(default_factory=nothing_on)


class Observer:
    """Watches one instance from a thread of its own, so that a stuck one holds up nobody."""

    def __init__(
        self,
        instance: Instance,
        peers: Peers,
        events: EventLog,
        journal: Journal,
        epoch: Callable[[], int],
        news: SwitchNews,
    ) -> None:
        """`epoch` is the number of the lab's epoch; `news` tells of switches, once for all instances of the service."""
        self._news = news
        self._name = instance.name
        self.service = instance.spec.name
        self._client = peers.clients[instance.name]
        self._events = events
        self._journal = journal
        self._epoch = epoch
        self._section = f"instances/{instance.name}"
        self._lock = threading.Lock()
        self._seen: Seen | None = None
        self._seen_at = 0.0
        self._epoch_seen: int | None = None
        self._heard: tuple[ServiceState, float] | None = None
        self._last_said: tuple[ServiceState | None, float] = None, 0.0
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
            self._up, self._warned = self._seen.up, self._seen.warned
        threading.Thread(target=self._run, name=f"observe-{self._name}", daemon=True).start()

    def _seen_before(self) -> Seen | None:
        """What the journal has; it may hold anything."""
        try:
            seen = decode(Seen, self._journal.section(self._section))
        except WireError:
            return None
        parts = (seen.active, seen.expires_at, seen.hidden)
        return seen if all(part.keys() == set(KINDS) for part in parts) else None

    def known_boot_id(self) -> str | None:
        """The container's life that the journal knows."""
        seen = self._seen_before()
        return None if seen is None else seen.boot_id

    def _run(self) -> None:
        while True:
            began = time.monotonic()
            heard, self._heard = self._heard, None
            try:
                self.look(heard)
            except Exception:
                log.exception("observing %s", self._name)
            interval = OTHERS_SECONDS if heard else INTERVAL_SECONDS
            self._woken.wait(max(0.05, interval - (time.monotonic() - began)))
            self._woken.clear()

    def silent_seconds(self) -> float:
        """How long ago the instance answered last; a long garbage collection is not yet a dead service."""
        return time.monotonic() - self._answered

    def wake(self) -> None:
        """Look soon: something was changed."""
        self._changed_at, self._heard = time.monotonic(), None
        self._woken.set()

    @property
    def last_said(self) -> ServiceState | None:
        """The last state that anybody heard from the instance since the last reset, however long that look took."""
        return self._last_said[0]

    def _note_said(self, state: ServiceState, asked_at: float) -> None:
        with self._lock:
            if asked_at > max(self._forget_before, self._last_said[1]):
                self._last_said = state, asked_at

    def hear(self, state: ServiceState, asked_at: float) -> None:
        """Somebody else has looked: then this observer need not, unless something was changed meanwhile."""
        self._note_said(state, asked_at)
        if asked_at > self._changed_at:
            self._heard = state, asked_at
            self._woken.set()

    def forget(self) -> None:
        """A reset comes: a container that is down now comes back with nothing on."""
        with self._lock:
            self._forget_before = time.monotonic()
            self._last_said = None, self._forget_before
            if self._seen is not None:
                self._keep(replace(self._seen, forgotten=True))

    def look(self, heard: tuple[ServiceState, float] | None = None) -> None:
        """Ask the instance once, unless somebody else did, and report what is new. Called by one thread alone."""
        epoch = self._epoch()  # before what was seen last: a reset makes that forgotten first
        try:
            state, asked_at = heard or self._ask()
        except problems.Unreachable:
            if self.silent_seconds() > SILENCE_SECONDS:  # less is a crash and its restart, or a long collection
                self._report_up(False)
            return
        self._note_said(state, asked_at)
        if asked_at < self._seen_at:
            return  # older than what was seen already
        self._answered = time.monotonic()
        self._report_up(True)
        last = self._seen
        if last is not None:
            self._report_restart(last, state)
            if last.boot_id != state.boot_id and not last.forgotten:
                state, asked_at = self._put_back(last, state, epoch)
            self._report_switches(last, state)
        self._report_memory(state)
        self._remember(state, asked_at)

    def _remember(self, state: ServiceState, asked_at: float) -> None:
        expires_at = {
            kind: {name: float(math.floor(time.time() + left)) for name, left in found.items()}  # they change seldom
            for kind, found in state.expires.items()
        }
        with self._lock:
            self._keep(
                Seen(
                    state.boot_id,
                    state.pid,
                    state.oom_kills,
                    state.active,
                    expires_at,
                    warned=self._warned,
                    up=True,
                    forgotten=asked_at <= self._forget_before,
                    hidden=state.hidden,
                )
            )
        self._seen_at, self._epoch_seen = asked_at, state.epoch

    def _keep(self, seen: Seen) -> None:
        self._seen = seen
        self._journal.note(self._section, encode(seen))

    def _ask(self) -> tuple[ServiceState, float]:
        asked_at = time.monotonic()
        return state_of(self._client, "/admin/state", TIMEOUT_SECONDS), asked_at

    def _report(self, text: str, level: str = "info") -> None:
        self._events.add(f"{self._name}: {text}", level=level, service=self.service)

    def _report_up(self, up: bool) -> None:
        if self._up is None and (up or self.silent_seconds() < STARTING_SECONDS):
            self._up = up or None  # the services start side by side: one that is not there yet is no news
        elif up != self._up:
            self._up = up
            if up:
                self._report("answers again", "good")
            else:
                self._report("does not answer", "error")
                with self._lock:
                    if self._seen is not None:
                        self._keep(replace(self._seen, up=False))

    def _report_restart(self, last: Seen, state: ServiceState) -> None:
        if last.pid == state.pid and last.boot_id == state.boot_id:
            return
        limit = state.memory_limit_bytes / MB
        why = state.last_end
        if state.oom_kills > last.oom_kills:
            why = f"out of memory, killed by the kernel at its limit of {limit:.0f} MB"
        self._report(f"{why}, and restarted" if why else "restarted", "error")

    def _put_back(self, last: Seen, state: ServiceState, epoch: int) -> tuple[ServiceState, float]:
        """Switch on what was on in the container before; the service keeps it itself over a mere crash."""
        for kind, name, params, hidden in _missing(last, state, time.time()):
            try:
                check_switch(self.service, kind, name, params)
            except (problems.NotFound, problems.InvalidParameter) as problem:  # it is of an older version of the lab
                if not hidden:
                    self._report(f"{name} cannot be put back: {problem}", "warning")
                continue
            path = f"/admin/switches/{kind}/{name}"
            try:
                body = {"active": True, "params": params, "hidden": hidden}
                self._client.post(path, body, TIMEOUT_SECONDS, epoch)
            except problems.Overtaken:  # a reset came in between, and it has the last word
                break
            if not hidden:
                self._report(f"{name} put back as it was")
        return self._ask()

    def _report_switches(self, last: Seen, state: ServiceState) -> None:
        """Tell what went on and off; that a reset switches everything off is told by the reset."""
        is_reset = self._epoch_seen not in (None, state.epoch)
        for kind, now_on in state.active.items():
            were_on = last.active[kind]
            for name, params in now_on.items():
                if were_on.get(name) != params and not self._news.is_told(kind, name, params):
                    level = "warning" if kind == "failure" else "info"
                    self._news.add(self._name, sentence_on(kind, name, params), level)
            for name in were_on.keys() - now_on.keys():
                if is_reset or self._news.is_told(kind, name, None):
                    continue
                text = f"{kind} {name} is {'back to its default' if kind == 'setting' else 'off'}"
                self._news.add(self._name, text, "info")

    def _report_memory(self, state: ServiceState) -> None:
        share, limit = state.memory_share, state.memory_limit_bytes / MB
        if share < self._warned - REARM:
            self._warned = max((mark for mark in MEMORY_WARNINGS if mark <= share), default=0.0)
        for mark in MEMORY_WARNINGS:
            if self._warned < mark <= share:
                self._warned = mark
                size = f"{state.rss_bytes / MB:.0f} MB, past {mark * 100:.0f} % of its limit of {limit:.0f} MB"
                self._report(f"memory at {size}", "error" if mark >= MEMORY_ERROR else "warning")


def _missing(last: Seen, state: ServiceState, now: float) -> Iterator[tuple[str, str, dict[str, Any], bool]]:
    """What was on and is not, as kind, name, parameters and whether it is hidden.

    What would have gone off by itself since then is not among it.
    """
    for kind, switches in last.hidden.items():
        for name, params in switches.items():
            if name not in state.hidden[kind] and not params["duration_seconds"]:
                yield kind, name, params, True
    for kind, switches in last.active.items():
        for name, params in switches.items():
            left = last.expires_at[kind].get(name, math.inf) - now
            if name not in state.active[kind] and left > 0:
                whole = params if left == math.inf else {**params, "duration_seconds": left}
                yield kind, name, whole, False


def sentence_on(kind: str, name: str, params: dict[str, Any]) -> str:
    """What a switch that went on is, in words: "failure memory_leak is on (mb_per_request 20)"."""
    return f"{kind} {name} is on{params_words(params)}"
