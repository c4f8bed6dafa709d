"""The services of the model: who waits where, in the order of pool.py and the apps; a call is calls/policy.py's."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from services.common.calls.balancing import Target
from services.common.calls.call import HEALTH, HEALTH_CHECK_SECONDS, Call
from services.common.calls.policy import CallPolicy, Ended, GiveBack, Pause, Send, Step, Take
from services.common.calls.upstream import Upstream
from services.common.http.problems import (
    PeerError,
    PeerRefused,
    PeerTimeout,
    Problem,
    Starting,
)
from services.common.schedule import Schedule
from services.common.switches.defences.health_checks import HealthChecks, nobody
from services.common.switches.settings import (
    SPREAD,
    ArrivalsSetting,
    CapacitySetting,
    LivenessSetting,
    PoolSetting,
    WorkSetting,
)
from services.common.telemetry.state import Calls, Connections, PoolState, ServiceState, TrafficState
from services.common.telemetry.windows import RECENT_SECONDS, AttemptWindow, CountedCall, CountWindow, UserWindow
from services.common.topology import TRAFFIC, Instance

from .engine import Engine, Mailbox, Steps, Task
from .places import Places
from .simulated_cache import SimulatedCache
from .simulated_switches import Died, SimulatedHealthChecks, SimulatedLiveness, SimulatedSwitches, make_host

OK = "ok"
DEEP = f"{HEALTH}?deep"
BASE_MB = 60  # of an instance's memory limit, that its processes take before any request
RESTART_SECONDS = 1.0  # until gunicorn has a new worker


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
    """An instance with a bounded number of threads, and gunicorn's unbounded queue before them.

    It may die: then those in its handlers have an error at once, and those in its queue wait until it is back.
    """

    def __init__(self, engine: Engine, instance: Instance, threads: int, dice: random.Random) -> None:
        self.engine = engine
        self.name = instance.name
        self.spec = instance.spec
        self.size = threads
        self.threads = Places(engine, threads)
        self.deaths = 0
        self._inside: dict[int, Visit] = {}  # those in its handlers
        self._held_mb = 0.0
        host = make_host(engine, lambda: self.threads.in_use, dice, hold=self._hold, end=self._die)
        self.switches = SimulatedSwitches(instance.spec.name, host)
        self.dice = dice
        if LivenessSetting in self.switches:
            liveness = self.switches[LivenessSetting]
            assert isinstance(liveness, SimulatedLiveness)
            liveness.ask = self._is_alive

    def ask(self, path: str, seconds: float, deadline: float) -> Steps:
        """A request to this instance: OK, its problem, or None after so many seconds. It works on after that."""
        visit = Visit(self.engine, path, deadline)
        self.engine.spawn(self._serve(visit))
        return (yield seconds)

    def _serve(self, visit: Visit) -> Steps:
        threads = self.threads
        yield from threads.acquire()
        if threads is not self.threads:  # it died, and whoever was in its queue goes on in the new one's
            yield from self._serve(visit)
            return
        visit.started_at = self.engine.now
        self._inside[id(visit)] = visit
        yield from self._while_alive(self._work(visit))

    def _work(self, visit: Visit) -> Steps:
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
        self._inside.pop(id(visit), None)
        visit.answer(answer)

    def _while_alive(self, steps: Steps) -> Steps:
        """Take the steps until this instance dies."""
        deaths, value = self.deaths, None
        try:
            while self.deaths == deaths:
                value = yield steps.send(value)
        except (StopIteration, Died):
            return
        steps.close()

    def _hold(self, mb: float) -> Callable[[], None]:
        """Hold memory; beyond the limit the kernel kills."""
        self._held_mb += mb
        if self._held_mb > self.spec.memory_mb - BASE_MB:
            self._die("out of memory")

        def release() -> None:
            self._held_mb = max(0.0, self._held_mb - mb)

        return release

    def _die(self, reason: str) -> None:
        """All in its handlers have an error; the next process has the switches, and takes what waits. Raises Died."""
        self.deaths += 1
        waiting, self.threads = self.threads, Places(self.engine, 0)
        waiting.resize(waiting.capacity + waiting.queued)
        for visit in self._inside.values():
            visit.answer(PeerError(reason))
        self._inside.clear()
        self._held_mb = 0.0
        self.begin_again()
        self.engine.spawn(self._restart())
        raise Died

    def begin_again(self) -> None:
        """What a new process has: nothing held, nothing waiting."""

    def _restart(self) -> Steps:
        deaths = self.deaths
        yield RESTART_SECONDS
        if self.deaths == deaths:
            self.threads.resize(self.size)
            self.switches.restore()

    def _is_alive(self, seconds: float) -> Steps:
        """What a liveness probe finds: one that is starting is alive."""
        answer = yield from self.ask(HEALTH, seconds, self.engine.now + seconds)
        return answer is OK or isinstance(answer, Starting)

    def is_well(self, seconds: float, deep: bool, beside: bool) -> Steps:
        """What a health check finds: over the worker pool as a request, or beside it."""
        if beside:
            return self.threads.capacity > 0 and (not deep or (yield from self.reaches(seconds)))
        answer = yield from self.ask(DEEP if deep else HEALTH, seconds, self.engine.now + seconds)
        return answer is OK

    def reaches(self, seconds: float) -> Steps:
        """Whether the service behind this one answers; there is none."""
        yield from ()
        return True

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
        """What the instance does with a request that was let in."""
        raise NotImplementedError

    def state(self, since: float) -> ServiceState:
        """What the admin plane would say, as far as the measures ask."""
        in_use, queued = self.threads.in_use, self.threads.queued
        return ServiceState(self.spec.name, self.name, threads_busy=in_use, waiting=queued)


class Caller(Server):
    """An instance that calls the next service: the lab's own policy and balancers, in simulated time."""

    def __init__(
        self, engine: Engine, instance: Instance, threads: int, dice: random.Random, peers: Sequence[Server]
    ) -> None:
        super().__init__(engine, instance, threads, dice)
        self._peers = {peer.name: peer for peer in peers}
        self.upstream = Upstream(peers[0].spec.name, list(self._peers), self.switches, dice)
        self._policy = CallPolicy(self.switches, dice, self.upstream)
        self._calls = AttemptWindow(lambda: engine.now)
        if HealthChecks in self.switches:
            checks = self.switches[HealthChecks]
            assert isinstance(checks, SimulatedHealthChecks)
            checks.ask = lambda name, deep, beside, seconds: self._peers[name].is_well(seconds, deep, beside)
            checks.watch(list(self._peers), nobody)

    def handle(self, visit: Visit) -> Steps:
        """Call the next service; /about and a shallow check need nobody."""
        if visit.path == DEEP:
            if not (yield from self.reaches(HEALTH_CHECK_SECONDS)):
                raise PeerTimeout("what this service needs does not answer")
        elif visit.path not in ("/about", HEALTH):
            yield from self.call_peer(visit, None)

    def reaches(self, seconds: float) -> Steps:
        """Whether the service behind this one answers in time."""
        first = next(iter(self._peers.values()))
        return (yield from first.ask("", seconds, self.engine.now + seconds)) is OK

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
                return (yield from self.send(visit, step, counted))
            case GiveBack():
                self.give_back()
            case Pause():
                yield step.seconds

    def send(self, visit: Visit, step: Send, counted: CountedCall) -> Steps:
        """One attempt, or two where it is hedged: then each is a task of its own, as they are threads in the lab."""
        if step.hedge_seconds is None:
            return (yield from self._ask(visit, step.target, step.timeout_seconds, counted))
        ended = Mailbox(self.engine)
        self.engine.spawn(self._ask_for(ended, visit, step.target, step.timeout_seconds, counted))
        first = yield from ended.get(step.hedge_seconds)
        if first is not None:
            return first
        second = step.second()
        if second is not None:
            self.engine.spawn(self._ask_for(ended, visit, second, step.timeout_seconds, counted))
        first = yield from ended.get(None)
        return first if first.problem is None or second is None else (yield from ended.get(None))

    def _ask_for(self, ended: Mailbox, visit: Visit, target: Target, seconds: float, counted: CountedCall) -> Steps:
        ended.put((yield from self._ask(visit, target, seconds, counted)))

    def _ask(self, visit: Visit, target: Target, seconds: float, counted: CountedCall) -> Steps:
        counted.attempt()
        deadline = min(self.engine.now + seconds, visit.deadline or self.engine.now + seconds)
        began = self.upstream.begin(target, is_user=True)
        answer = yield from self._peers[target.name].ask("", seconds, deadline)
        ended = _ended(answer, target)
        self.upstream.end(target, ended.outcome, began)
        return ended

    def take(self, visit: Visit) -> Steps:
        """Hold what an attempt needs; nothing here."""
        yield from ()

    def give_back(self) -> None:
        """Give back what the attempt held."""

    def state(self, since: float) -> ServiceState:
        """As a server's, with the calls since the moment."""
        begun, attempts = self._calls.since(since)
        calls = Calls(self.upstream.peer, begun=begun, attempts=attempts, targets=self.upstream.state(since))
        return replace(super().state(since), calls=calls)


def _ended(answer: Problem | str | None, target: Target) -> Ended:
    """What an answer is to the caller, as `PeerClient` judges it."""
    if answer is OK:
        return Ended("ok", target=target)
    if answer is None:
        return Ended("timeout", PeerTimeout("no answer in time"), target=target)
    assert isinstance(answer, Problem)
    if answer.status == PeerRefused.status:
        return Ended("refused", PeerRefused("refused"), target=target)
    return Ended("error", PeerError("an error"), target=target)


class Api(Caller):
    """The api: its own work, then the cache, and a call holds a connection of the pool."""

    def __init__(
        self, engine: Engine, instance: Instance, threads: int, dice: random.Random, peers: Sequence[Server]
    ) -> None:
        super().__init__(engine, instance, threads, dice, peers)
        self._cache = SimulatedCache(engine, self.switches, dice)
        self._pool, self._work_setting = self.switches[PoolSetting], self.switches[WorkSetting]
        self.begin_again()
        self.switches.subscribe(self._resize)

    def begin_again(self) -> None:
        """A new pool, and new slots."""
        self._connections = Places(self.engine, self._pool.size)
        self._slots = Places(self.engine, max(1, self._work_setting.slots))

    def _resize(self) -> None:
        self._connections.resize(self._pool.size)
        self._slots.resize(max(1, self._work_setting.slots))

    def handle(self, visit: Visit) -> Steps:
        """An order: some work, then from the cache, or by a query, which others may share."""
        if visit.path in (HEALTH, DEEP):
            if self._work_setting.slots:
                yield from self._slots.acquire()
                self._slots.release()
            yield from super().handle(visit)
            return
        if self._work_setting.slots:
            yield from self._do_work(visit)
        yield from self._cache.get(partial(self.call_peer, visit), self._call_for_all)

    def _do_work(self, visit: Visit) -> Steps:
        slots = self._slots
        yield from slots.acquire()
        try:
            self.switches.after_queue(visit)
        except Problem:
            slots.release()
            raise
        yield self._work_setting.service_time_seconds * self.dice.uniform(1 - SPREAD, 1 + SPREAD)
        slots.release()

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
        """As a caller's, with the pool, the work and the cache."""
        pool, work = PoolState(waiting=self._connections.queued), Connections(queued=self._slots.queued)
        return replace(super().state(since), pool=pool, work=work, cache=self._cache.state(since))


class Database(Server):
    """The database: slots, a bounded queue, and a query that runs to its end even if its caller has gone."""

    def __init__(self, engine: Engine, instance: Instance, threads: int, dice: random.Random) -> None:
        super().__init__(engine, instance, threads, dice)
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
        """As a server's, with the queue."""
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
