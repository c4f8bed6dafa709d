"""The services of the model: who waits where, in the order of pool.py and the apps; a call is calls/policy.py's."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from services.common.calls.call import Call
from services.common.calls.policy import CallPolicy, Ended, GiveBack, Pause, Send, Step, Take
from services.common.http.problems import (
    PeerError,
    PeerRefused,
    PeerTimeout,
    Problem,
)
from services.common.switches.settings import SPREAD, ArrivalsSetting, CapacitySetting, PoolSetting
from services.common.telemetry.state import Calls, Connections, PoolState, ServiceState, TrafficState
from services.common.telemetry.windows import RECENT_SECONDS, AttemptWindow, CountedCall, CountWindow, UserWindow
from services.common.topology import API, DATABASE, TRAFFIC
from services.traffic.schedule import Schedule

from .engine import Engine, Steps, Task
from .places import Places
from .simulated_cache import SimulatedCache
from .simulated_switches import SimulatedSwitches, make_host

OK = "ok"


class Visit(Call):
    """One request in one service, in simulated time."""

    def __init__(self, engine: Engine, path: str, deadline: float | None) -> None:
        super().__init__("", engine.now, deadline=deadline, started_at=engine.now, started=engine.now)
        self.path = path
        self._engine = engine
        self._caller = engine.current
        self._turn = engine.current.turn

    @property
    def elapsed_seconds(self) -> float:
        """Seconds since the handler began."""
        return self._engine.now - self.started_at

    @property
    def has_expired(self) -> bool:
        """Whether the caller has stopped waiting."""
        return self.deadline is not None and self._engine.now >= self.deadline

    def answer(self, answer: Problem | str) -> None:
        """Tell the caller, if it still waits."""
        self._engine.wake(self._caller, self._turn, answer)


class Server:
    """A service with a bounded number of threads, and gunicorn's unbounded queue before them."""

    def __init__(self, engine: Engine, name: str, threads: int, dice: random.Random) -> None:
        self.engine = engine
        self.name = name
        self.threads = Places(engine, threads)
        self.switches = SimulatedSwitches(name, make_host(engine, lambda: self.threads.in_use, dice))
        self.dice = dice

    def ask(self, path: str, seconds: float, deadline: float) -> Steps:
        """A request to this service: OK, its problem, or None after so many seconds. It works on after that."""
        visit = Visit(self.engine, path, deadline)
        self.engine.spawn(self._serve(visit))
        return (yield seconds)

    def _serve(self, visit: Visit) -> Steps:
        yield from self.threads.acquire()
        visit.started_at = self.engine.now
        answer: Problem | str = OK
        try:
            yield from self.pass_hooks(self.switches.before_request, visit)
            visit.let_in = True
            yield from self.handle(visit)
        except Problem as problem:
            answer = problem
        if visit.let_in:
            self.switches.after_request(visit)
        self.threads.release()
        visit.answer(answer)

    def pass_hooks(self, hooks: Callable[[Call], None], visit: Visit) -> Steps:
        """Run the hooks of every active switch, and spend the waits that they ask for."""
        refusal = None
        try:
            hooks(visit)
        except Problem as problem:
            refusal = problem
        if self.engine.owed:
            yield from self.engine.spend()
        if refusal is not None:
            raise refusal

    def handle(self, visit: Visit) -> Steps:
        """What the service does with a request that was let in."""
        raise NotImplementedError

    def state(self, since: float) -> ServiceState:
        """What the admin plane would say, as far as the measures ask."""
        return ServiceState(self.name, threads_busy=self.threads.in_use, waiting=self.threads.queued)


class Caller(Server):
    """A service that calls the next one: attempts, defences, lease, timeout."""

    def __init__(self, engine: Engine, name: str, threads: int, dice: random.Random, peer: Server) -> None:
        super().__init__(engine, name, threads, dice)
        self._peer = peer
        self._policy = CallPolicy(self.switches, dice)
        self._calls = AttemptWindow(lambda: engine.now)

    def handle(self, visit: Visit) -> Steps:
        """Call the next service; /about needs nobody."""
        if visit.path != "/about":
            yield from self.call_peer(visit, None)

    def call_peer(self, visit: Visit, seconds: float | None) -> Steps:
        """As `PeerClient.get`: raises the problem of the last attempt, when none succeeded."""
        steps, counted = self._policy.call(seconds), self._calls.call()
        try:
            step = next(steps)
            while True:
                try:
                    result = yield from self._perform(step, visit, counted)
                except Problem as problem:
                    step = steps.throw(problem)
                else:
                    step = steps.send(result)
        except StopIteration:
            return

    def _perform(self, step: Step, visit: Visit, counted: CountedCall) -> Steps:
        match step:
            case Take():
                yield from self.take(visit)
            case Send():
                counted.attempt()
                return (yield from self._send(visit, step.timeout_seconds))
            case GiveBack():
                self.give_back()
            case Pause():
                yield step.seconds

    def _send(self, visit: Visit, seconds: float) -> Steps:
        deadline = min(self.engine.now + seconds, visit.deadline or self.engine.now + seconds)
        answer = yield from self._peer.ask("", seconds, deadline)
        if answer is OK:
            return Ended("ok")
        if answer is None:
            return Ended("timeout", PeerTimeout("no answer in time"))
        if answer.status == PeerRefused.status:
            return Ended("refused", PeerRefused("refused"))
        return Ended("error", PeerError("an error"))

    def take(self, visit: Visit) -> Steps:
        """Hold what an attempt needs; nothing here."""
        yield from ()

    def give_back(self) -> None:
        """Give back what the attempt held."""

    def state(self, since: float) -> ServiceState:
        """As a service's, with the calls since the moment."""
        begun, attempts = self._calls.since(since)
        return replace(super().state(since), calls=Calls(self._peer.name, begun=begun, attempts=attempts))


class Api(Caller):
    """The api: the cache is asked first, and a call holds a connection of the pool."""

    def __init__(self, engine: Engine, threads: int, dice: random.Random, peer: Server) -> None:
        super().__init__(engine, API.name, threads, dice, peer)
        self._cache = SimulatedCache(engine, self.switches, dice)
        self._pool = self.switches[PoolSetting]
        self._connections = Places(engine, self._pool.size)
        self.switches.subscribe(lambda: self._connections.resize(self._pool.size))

    def handle(self, visit: Visit) -> Steps:
        """An order: from the cache, or by a query, which others may share."""
        yield from self._cache.get(partial(self.call_peer, visit), self._call_for_all)

    def _call_for_all(self, seconds: float | None) -> Steps:
        """A query that is nobody's own, and has no deadline."""
        yield from self.call_peer(Visit(self.engine, "", None), seconds)

    def take(self, visit: Visit) -> Steps:
        """Wait for a connection."""
        yield from self._connections.acquire(self._pool.wait_seconds)
        try:
            self.switches.after_queue(visit)
        except Problem:
            self.give_back()
            raise

    def give_back(self) -> None:
        """Give the connection back, unless a failure keeps it."""
        if not self.switches.keep_connection(self._connections.release):
            self._connections.release()

    def state(self, since: float) -> ServiceState:
        """As a caller's, with the pool and the cache."""
        pool = PoolState(waiting=self._connections.queued)
        return replace(super().state(since), pool=pool, cache=self._cache.state(since))


class Database(Server):
    """The database: slots, a bounded queue, and a query that runs to its end even if its caller has gone."""

    def __init__(self, engine: Engine, threads: int, dice: random.Random) -> None:
        super().__init__(engine, DATABASE.name, threads, dice)
        self._capacity = self.switches[CapacitySetting]
        self._slots = Places(engine, self._capacity.connections, self._capacity.queue_limit)
        self.switches.subscribe(self._resize)

    def _resize(self) -> None:
        capacity = self._capacity
        self._slots.resize(self.switches.max_connections(capacity.connections), capacity.queue_limit)

    def handle(self, visit: Visit) -> Steps:
        """One query."""
        yield from self._slots.acquire()
        try:
            self.switches.after_queue(visit)
        except Problem:
            self._slots.release()
            raise
        yield self._capacity.service_time_seconds * self.dice.uniform(1 - SPREAD, 1 + SPREAD)
        yield from self.pass_hooks(self.switches.during_query, visit)
        self._slots.release()

    def state(self, since: float) -> ServiceState:
        """As a service's, with the queue."""
        return replace(super().state(since), connections=Connections(queued=self._slots.queued))


class Users:
    """Open-loop users, as services/traffic has them."""

    def __init__(self, engine: Engine, frontend: Server, dice: random.Random, max_in_flight: float) -> None:
        self._engine = engine
        self._frontend = frontend
        self._max_in_flight = max_in_flight
        self.switches = SimulatedSwitches(TRAFFIC.name, make_host(engine, lambda: 0, dice))
        self._setting = self.switches[ArrivalsSetting]
        self._dice = dice
        self._sleeper: tuple[Task, int] | None = None
        self._began: dict[Task, float] = {}
        self.window = UserWindow(lambda: engine.now)
        self.arrivals = CountWindow(lambda: engine.now)
        self.switches.subscribe(self._wake)

    @property
    def in_flight(self) -> int:
        """Users who wait."""
        return len(self._began)

    def _wake(self) -> None:
        if self._sleeper is not None:
            self._engine.wake(*self._sleeper, "changed")

    def run(self) -> Steps:
        """Let users arrive for ever."""
        engine, setting = self._engine, self._setting
        schedule, asked = Schedule(self._dice), None
        while True:
            values = setting.values
            if values is not asked:
                asked = values
                schedule.change(setting.rps, setting.seed, engine.now)
            self._sleeper = (engine.current, engine.current.turn)
            if (yield None if schedule.due is None else max(0.0, schedule.due - engine.now)) is not None:
                continue
            schedule.arrived()
            self.arrivals.add()
            if self.in_flight < self._max_in_flight:
                engine.spawn(self._visit())
            else:
                self.window.add("refused", 0.0)

    def _visit(self) -> Steps:
        task, began = self._engine.current, self._engine.now
        self._began[task] = began
        patience = self._setting.patience_seconds
        answer = yield from self._frontend.ask("/checkout", patience, began + patience)
        del self._began[task]
        outcome = "timeout" if answer is None else "success" if answer is OK else "error"
        self.window.add(outcome, self._engine.now - began)

    def state(self, since: float) -> ServiceState:
        """What the admin plane would say, as far as the measures ask."""
        now = self._engine.now
        waiting = [now - began for began in self._began.values()]
        traffic = TrafficState(
            rps=self._setting.rps,
            in_flight=self.in_flight,
            arrived=self.arrivals.since(since),
            users=self.window.since(since, waiting),
            last_5_seconds=self.window.since(max(since, now - RECENT_SECONDS)),
        )
        return ServiceState(TRAFFIC.name, epoch_age_seconds=now, window_seconds=now - since, traffic=traffic)
