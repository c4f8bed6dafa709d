"""What a service says of itself on its admin plane, and what follows from it. Standard library alone.

`GET /admin/state` is a `ServiceState`, made in `Service.state` and read by attribute everywhere else. Times are in
seconds, sizes in bytes; what a service does not have is None.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

Active = dict[str, dict[str, dict[str, Any]]]  # {kind: {name: {parameter: value}}}


@dataclass(frozen=True)
class QueueWait:
    """How long half of those waited, at least, who left one queue in the window or are in it now."""

    p50_seconds: float | None = None


@dataclass(frozen=True)
class Answers:
    """Answers on the users' path in the window; `mean_seconds` is None without one."""

    count: int = 0
    errors: int = 0
    mean_seconds: float | None = None
    last_5_seconds: int = 0

    @property
    def good(self) -> int:
        """Those that are no errors."""
        return self.count - self.errors

    @property
    def error_ratio(self) -> float:
        """The share of errors; 0 without an answer."""
        return self.errors / self.count if self.count else 0.0


@dataclass(frozen=True)
class TargetState:
    """One instance of the next service, as its caller sees it: what it is to the caller, why, and its requests.

    `role` is in_use, standby, ejected or failing; `sent` leaves test requests out.
    """

    role: str
    why: str = ""
    in_flight: int = 0
    sent: int = 0
    ended: int = 0
    failed: int = 0

    @property
    def success_ratio(self) -> float | None:
        """The share of its answers that are good; None without one."""
        return 1 - self.failed / self.ended if self.ended else None


@dataclass(frozen=True)
class Calls:
    """Calls to the next service. `begun` calls have made `attempts` so far; `sent` attempts were sent, whenever their
    calls were begun; `ended` attempts ended, `failed` of them badly. The first three leave test requests out."""

    peer: str
    begun: int = 0
    attempts: int = 0
    sent: int = 0
    ended: int = 0
    failed: int = 0
    seconds: float = 0.0
    timeout_seconds: float = 0.0
    attempts_allowed: int = 1
    targets: dict[str, TargetState] = field(default_factory=dict)

    @property
    def failed_ratio(self) -> float:
        """The share of attempts that ended badly; 0 while none has ended."""
        return self.failed / self.ended if self.ended else 0.0


@dataclass(frozen=True)
class PoolState:
    """The connection pool."""

    in_use: int = 0
    size: int = 0
    waiting: int = 0


@dataclass(frozen=True)
class Connections:
    """The database's connections; `max` are those that may be in use at once."""

    in_use: int = 0
    max: int = 0
    queued: int = 0


@dataclass(frozen=True)
class CacheState:
    """The cache; `hit_ratio` is None where it was not asked."""

    entries: int = 0
    hits: int = 0
    lookups: int = 0
    hit_ratio: float | None = None


@dataclass(frozen=True)
class Users:
    """User requests that ended in a window.

    `p95_seconds` counts those who still wait with their age so far; the other quantiles are of those that ended.
    """

    ended: int = 0
    succeeded: int = 0
    success_ratio: float | None = None
    p50_seconds: float | None = None
    p95_seconds: float | None = None
    p99_seconds: float | None = None
    success_p50_seconds: float | None = None
    slowest_seconds: float | None = None


@dataclass(frozen=True)
class TrafficState:
    """The users: `rps` are asked for, `arrived` came in the window, `in_flight` wait now.

    `lost` were not served, and `came` are all who came, since the last reset.
    """

    rps: float = 0.0
    in_flight: int = 0
    arrived: int = 0
    users: Users = field(default_factory=Users)
    last_5_seconds: Users = field(default_factory=Users)
    lost: int = 0
    came: int = 0


def nothing_on() -> dict[str, dict[str, Any]]:
    """Every kind, and nothing of it."""
    return {"failure": {}, "defence": {}, "setting": {}}


@dataclass(frozen=True)
class ServiceState:
    """One instance of a service, or (see `combined`) all of them.

    `boot_id` names the container's life, `pid` that of the worker in it, and `last_end` says why the worker before it
    ended, where the lab itself ended it. An OOM kill takes the whole container where `oom_group` is set. What is
    `hidden` is on and not in `active`: a drill's. `expires` is in seconds from now. `work` is the api's own capacity.
    """

    service: str
    instance: str = ""
    boot_id: str = ""
    pid: int = 0
    epoch: int = 0
    epoch_age_seconds: float = 0.0
    rss_bytes: int = 0
    memory_limit_bytes: int = 0
    leaked_bytes: int = 0
    oom_kills: int = 0
    oom_group: bool = False
    last_end: str = ""
    threads_busy: int = 0
    threads_total: int = 0
    waiting: int = 0
    gc_pause_seconds: float = 0.0
    window_seconds: float = 0.0
    active: Active = field(default_factory=nothing_on)
    hidden: Active = field(default_factory=nothing_on)
    expires: dict[str, dict[str, float]] = field(default_factory=nothing_on)
    waits: dict[str, QueueWait] = field(default_factory=dict)
    answers: Answers | None = None
    calls: Calls | None = None
    pool: PoolState | None = None
    connections: Connections | None = None
    work: Connections | None = None
    cache: CacheState | None = None
    traffic: TrafficState | None = None

    @property
    def queued(self) -> int:
        """Requests that wait here: for a thread, for a connection of the pool, for a database connection."""
        pool, places = self.pool, [each for each in (self.connections, self.work) if each]
        return self.waiting + (pool.waiting if pool else 0) + sum(each.queued for each in places)

    @property
    def memory_share(self) -> float:
        """Resident memory over its limit; 0 where there is none."""
        return self.rss_bytes / self.memory_limit_bytes if self.memory_limit_bytes else 0.0

    @property
    def longest_wait_seconds(self) -> float:
        """How long half of the requests wait, at least, in the longest of the queues."""
        return max((wait.p50_seconds or 0.0 for wait in self.waits.values()), default=0.0)

    @property
    def has_failures(self) -> bool:
        """Whether a failure is on."""
        return bool(self.active["failure"])

    @property
    def is_at_defaults(self) -> bool:
        """Whether nothing is on."""
        return not any(self.active.values()) and not any(self.hidden.values())


States = Mapping[str, ServiceState | None]  # by the name of a service or an instance; None does not answer


def attempts_per_request(states: Iterable[ServiceState | None]) -> float | None:
    """What one user's request becomes: the attempts of a call so far, multiplied over the layers; None without calls.

    Each layer counts the attempts of just the calls that it began in the window, so that this never leaves 1 to what
    the layers' settings allow.
    """
    calls = [state.calls for state in states if state is not None and state.calls is not None]
    ratios = [each.attempts / each.begun for each in calls if each.begun]
    return math.prod(ratios) if ratios else None


def attempts_allowed(states: Iterable[ServiceState | None]) -> int:
    """The most that one user's request may become; 1 is no retries."""
    return math.prod(state.calls.attempts_allowed for state in states if state is not None and state.calls is not None)


def combined(service: str, states: Sequence[ServiceState]) -> ServiceState:
    """A service as its instances make it: queued, busy and calls are sums, memory is that of the fullest one.

    What is on is what is on in any of them; waits are the longest.
    """
    if len(states) == 1:
        return states[0]
    fullest = max(states, key=lambda state: (state.memory_share, state.rss_bytes))
    return replace(
        fullest,
        service=service,
        instance=service,
        epoch=max(state.epoch for state in states),
        epoch_age_seconds=min(state.epoch_age_seconds for state in states),
        leaked_bytes=sum(state.leaked_bytes for state in states),
        oom_kills=sum(state.oom_kills for state in states),
        oom_group=any(state.oom_group for state in states),
        threads_busy=sum(state.threads_busy for state in states),
        threads_total=sum(state.threads_total for state in states),
        waiting=sum(state.waiting for state in states),
        gc_pause_seconds=max(state.gc_pause_seconds for state in states),
        window_seconds=max(state.window_seconds for state in states),
        active=_united([state.active for state in states]),
        hidden=_united([state.hidden for state in states]),
        expires=_united([state.expires for state in states]),
        waits=_longest([state.waits for state in states]),
        answers=_all_answers([state.answers for state in states if state.answers]),
        calls=_all_calls([state.calls for state in states if state.calls]),
        pool=_all_pools([state.pool for state in states if state.pool]),
        connections=_all_connections([state.connections for state in states if state.connections]),
        work=_all_connections([state.work for state in states if state.work]),
        cache=_all_caches([state.cache for state in states if state.cache]),
    )


def _united(found: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, Any]]:
    return {kind: {name: value for each in found for name, value in each[kind].items()} for kind in nothing_on()}


def _longest(found: Sequence[Mapping[str, QueueWait]]) -> dict[str, QueueWait]:
    names = {name: None for each in found for name in each}
    return {
        name: max((each[name] for each in found if name in each), key=lambda wait: wait.p50_seconds or 0.0)
        for name in names
    }


def _all_answers(found: Sequence[Answers]) -> Answers | None:
    if not found:
        return None
    count = sum(each.count for each in found)
    seconds = sum((each.mean_seconds or 0.0) * each.count for each in found)
    return Answers(
        count,
        sum(each.errors for each in found),
        seconds / count if count else None,
        sum(each.last_5_seconds for each in found),
    )


def _all_calls(found: Sequence[Calls]) -> Calls | None:
    if not found:
        return None
    return Calls(
        found[0].peer,
        begun=sum(each.begun for each in found),
        attempts=sum(each.attempts for each in found),
        sent=sum(each.sent for each in found),
        ended=sum(each.ended for each in found),
        failed=sum(each.failed for each in found),
        seconds=max(each.seconds for each in found),
        timeout_seconds=max(each.timeout_seconds for each in found),
        attempts_allowed=max(each.attempts_allowed for each in found),
    )


def _all_pools(found: Sequence[PoolState]) -> PoolState | None:
    sums = (sum(each.in_use for each in found), sum(each.size for each in found), sum(each.waiting for each in found))
    return PoolState(*sums) if found else None


def _all_connections(found: Sequence[Connections]) -> Connections | None:
    sums = (sum(each.in_use for each in found), sum(each.max for each in found), sum(each.queued for each in found))
    return Connections(*sums) if found else None


def _all_caches(found: Sequence[CacheState]) -> CacheState | None:
    if not found:
        return None
    hits, lookups = sum(each.hits for each in found), sum(each.lookups for each in found)
    return CacheState(sum(each.entries for each in found), hits, lookups, hits / lookups if lookups else None)
