"""The lab as a whole: what the control room's API does, without the HTTP around it."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any

from services.common.calls.call import MAX_EPOCH_DIGITS
from services.common.calls.user_client import UserClient
from services.common.http import problems
from services.common.process.secret import Secret
from services.common.process.service import UNKNOWN_INSTANCE
from services.common.process.settings import Settings
from services.common.switches.base import KINDS
from services.common.switches.catalogue import CATALOGUE, check_switch
from services.common.topology import CHAIN, FRONTEND, TRAFFIC
from services.control_room.health import (
    WHY,
    edge_level,
    health_of_all,
    kpi_levels,
    memory_share,
    queue_patience_ratio,
    wasted_work_ratio,
    why,
)
from services.control_room.status import LEAST_SECONDS, WINDOW_SECONDS, attempts_allowed, judge, kpis_of
from services.control_room.watching.events import EventLog
from services.control_room.watching.journal import Journal
from services.control_room.watching.observer import Observer
from services.control_room.watching.peers import Peers, States, until

log = logging.getLogger(__name__)
TEST_TIMEOUT_SECONDS = 25.0
MAX_TEST_REQUESTS = 20
TESTS_KEPT = 12
RESET_SECONDS = 3.0
ABOUT_TIMEOUT_SECONDS = 1.0
RESET_TESTS = 5
CONTROL_TIMEOUT_SECONDS = 2.5
DOWN_SECONDS = 1.5
RETRY_SECONDS = 0.1
STOP_TIMEOUT_SECONDS = 0.5
SAME_LAB_SECONDS = 3.0
RESET_UNDER_WAY = "reset_under_way"
DATA_SERVICES = [spec.name for spec in reversed(CHAIN)]


class Lab:
    """Every service behind one door."""

    def __init__(self, settings: Settings) -> None:
        self.journal = Journal(settings.journal_dir)
        self.events = EventLog(self.journal.add_event)
        self.peers = Peers(settings.admin_urls, _secret(settings.secret_file))
        self.epoch = 0  # the number of the last reset: what was asked for in an earlier one is not done any more
        self.observers = {
            service: Observer(service, self.peers, self.events, self.journal, lambda: self.epoch)
            for service in CATALOGUE
        }
        self._users = UserClient(settings.data_urls[FRONTEND.name])
        self._tests: deque[dict[str, Any]] = deque(maxlen=TESTS_KEPT)
        self._epoch_lock = threading.Lock()
        self._reset_under_way: Future[dict[str, Any]] | None = None
        self._status_told = "GREEN"
        self._latest: dict[str, Any] | None = None
        self._latest_asked = 0.0
        self._latest_lock = threading.Lock()

    def start(self) -> None:
        """Take up the journal, and watch the services."""
        self.journal.open()
        if self._is_the_same_lab():
            self.events.take_up(self.journal.events())
            self._status_told = str(self.journal.section("status") or self._status_told)
            self.events.add("the control room is open again")
        else:
            self.journal.begin_anew()
            self.events.take_up([])
            self.events.add("the control room is open")
        if self.journal.passed_over is not None:
            self.events.add(self.journal.passed_over, level="warning")
        self.epoch = _number(self.journal.section("epoch"))
        self._hear_epochs(self.peers.states())
        for observer in self.observers.values():
            observer.start()

    def _is_the_same_lab(self) -> bool:
        """Whether a service still lives that the journal knows: a lab that is new has nothing to do with its log."""
        known = {service: observer.known_instance() for service, observer in self.observers.items()}
        deadline = time.monotonic() + SAME_LAB_SECONDS
        while any(known.values()):
            alive = {service: state["instance"] for service, state in self.peers.states().items() if state is not None}
            if any(known[service] == instance != UNKNOWN_INSTANCE for service, instance in alive.items()):
                return True
            if len(alive) == len(known) or time.monotonic() > deadline:
                break
            time.sleep(RETRY_SECONDS)
        return False

    def _hear_epochs(self, states: States) -> None:
        """Never be behind a service: it would refuse every call."""
        with self._epoch_lock:
            self.epoch = max(self.epoch, *(state["epoch"] for state in states.values() if state is not None), 0)

    # What is.

    def state(self) -> dict[str, Any]:
        """The state of everything, fresh, but for the scene."""
        asked_at = time.monotonic()
        states = self.peers.states()
        self._hear_epochs(states)
        for service, seen in states.items():
            if seen is not None:
                self.observers[service].tell(seen, asked_at)
        state = self._state(states)
        with self._latest_lock:
            if asked_at >= self._latest_asked:
                self._latest, self._latest_asked = state, asked_at
        return state

    @property
    def latest(self) -> dict[str, Any] | None:
        """The state that somebody asked for last: what is exported to Prometheus."""
        return self._latest

    def _state(self, states: States) -> dict[str, Any]:
        down = self._down(states)
        known = self._last_known(states, down)
        kpis = kpis_of(known, list(self._tests))
        status, reasons = judge(known, kpis, down)
        health = health_of_all(known, kpis, down)
        traffic = states.get(TRAFFIC.name)
        has_users = bool((known.get(TRAFFIC.name) or {}).get("rps"))
        return {
            "status": status,
            "reasons": reasons,
            "traffic": {"rps": traffic["rps"], "in_flight": traffic["in_flight"]} if traffic else None,
            "kpis": kpis,
            "kpi_levels": kpi_levels(kpis, has_users),
            "cascade": _cascade(status, known, kpis, down),
            "window_seconds": WINDOW_SECONDS,
            "services": {
                service: {
                    **_shown(state, self.observers[service].silent_seconds()),
                    "health": health[service].describe(),
                    "memory_share": memory_share(known[service]),
                    "calls": _calls(known[service]),
                }
                for service, state in states.items()
            },
        }

    def _last_known(self, states: States, down: list[str]) -> States:
        """The states, with the last word of a service that is silent for a moment; one that is down has none."""
        silent = {service for service, state in states.items() if state is None and service not in down}
        return states | {service: self.observers[service].last_said for service in silent}

    def _down(self, states: States) -> list[str]:
        """The services that did not answer now, nor to their observer for longer than a collection may last."""
        return [
            service
            for service, state in states.items()
            if state is None and self.observers[service].silent_seconds() > DOWN_SECONDS
        ]

    def tell_status(self, state: dict[str, Any]) -> None:
        """Tell the activity log when the status has changed."""
        status = state["status"]
        if status != self._status_told:
            self._status_told = status
            self.journal.note("status", status)
            level = {"GREEN": "good", "YELLOW": "warning", "RED": "error"}[status]
            self.events.add(f"status {status}: {'; '.join(state['reasons'])}", level=level)

    # What can be done.

    def switch(
        self, service: str, kind: str, name: str, active: bool, params: dict[str, Any], epoch: int | None = None
    ) -> dict[str, Any]:
        """Switch something on or off, for a wish of the epoch of that number: None is now.

        Raises:
            NotFound, InvalidParameter: nothing has changed.
            Overtaken: a reset has come since; nothing has changed.
            Unreachable: the service did not answer.
        """
        check_switch(service, kind, name, params)
        epoch = self.epoch if epoch is None else epoch
        self._let_reset_end()
        answer = self._post(service, f"/admin/switches/{kind}/{name}", {"active": active, "params": params}, epoch)
        self.observers[service].wake()
        return answer

    def _let_reset_end(self) -> None:
        """What is pressed during a reset comes after it."""
        under_way = self._reset_under_way
        if under_way is not None:
            wait([under_way])

    def _post(self, service: str, path: str, body: dict[str, Any], epoch: int) -> dict[str, Any]:
        """Post, again while the service is between a crash and its restart: every control call is idempotent."""
        deadline = time.monotonic() + CONTROL_TIMEOUT_SECONDS
        while True:
            if epoch != self.epoch:
                raise problems.Overtaken("the lab was reset after this was asked for")
            try:
                timeout = max(0.1, deadline - time.monotonic())
                answer: dict[str, Any] = self.peers.clients[service].post(path, body, timeout, epoch)
                return answer
            except problems.Unreachable:
                if time.monotonic() + RETRY_SECONDS > deadline:
                    raise
                time.sleep(RETRY_SECONDS)

    def set_traffic(self, rps: float, seed: int = 0, epoch: int | None = None) -> dict[str, Any]:
        """Let so many users come each second; those of a seed, or (0) others than ever before."""
        params = {"rps": rps} | ({"seed": seed} if seed else {})
        return self.switch(TRAFFIC.name, "setting", "arrivals", True, params, epoch)

    def test_requests(self, count: int) -> Iterator[dict[str, Any]]:
        """Send test requests through the frontend, one after another, and yield each as it ends."""
        for number in range(1, count + 1):
            result = {"n": number, **self._users.visit(TEST_TIMEOUT_SECONDS)}
            if result["reason"] != problems.Reset.reason:
                self._tests.append(result)
            self._tell_test(result)
            yield result

    def about_answers(self) -> bool:
        """Whether the frontend's /about, which needs no other service, answers within a second."""
        return self._users.about(ABOUT_TIMEOUT_SECONDS)

    def _tell_test(self, result: dict[str, Any]) -> None:
        seconds = f"{result['seconds'] * 1000:.0f} ms" if result["seconds"] < 1 else f"{result['seconds']:.1f} s"
        if not result["ok"]:
            failed = [hop["service"] for hop in result["hops"] if hop["status"] >= 500]
            where = f" at {failed[-1]}" if failed else ""
            text = f"test request failed after {seconds}{where}: {result['reason']}"
            self.events.add(text, level="error")
        elif result["seconds"] >= 1:
            self.events.add(f"test request took {seconds}", level="warning")
        else:
            self.events.add(f"test request took {seconds}", level="good")

    def reset(self) -> dict[str, Any]:
        """Everything off and healthy: the status, the seconds since the call, and the checks that decided.

        One that is called while another is under way ends with it: what was asked for in between is not done any more,
        and nothing is switched on before its end.
        """
        asked = time.monotonic()
        for observer in self.observers.values():
            observer.forget()
        with self._epoch_lock:
            self.epoch += 1
            epoch, running = self.epoch, self._reset_under_way
            mine: Future[dict[str, Any]] = running or Future()
            self._reset_under_way = mine
        if running is None:
            self._lead(mine, epoch, asked)
        return mine.result() | {"seconds": round(time.monotonic() - asked, 3)}

    def _lead(self, mine: Future[dict[str, Any]], epoch: int, asked: float) -> None:
        result, error = None, None
        try:
            result = self._reset(epoch, asked)
        except Exception as caught:
            error = caught
        with self._epoch_lock:  # nobody joins a reset whose waiters are let go
            self._reset_under_way = None
        if result is None:
            mine.set_exception(error)
        else:
            mine.set_result(result)

    def _reset(self, epoch: int, asked: float) -> dict[str, Any]:
        self.journal.note("epoch", epoch)
        self.journal.note(RESET_UNDER_WAY, True)
        deadline = asked + RESET_SECONDS
        self.events.add("reset: everything off")
        # No user comes while the queues empty; those of before are refused, and count for nothing. Then they are
        # dropped, and new ones come to a lab that is ready for them.
        self._stop_users(epoch)
        unreachable = self._reset_services(DATA_SERVICES, epoch, time.time(), deadline)
        quiet = not unreachable and until(deadline, self._is_quiet)
        unreachable += self._reset_services([TRAFFIC.name], epoch, time.time(), deadline)
        self._tests.clear()
        checks = self._verify(deadline) if quiet and not unreachable else []
        result = self._reset_result(asked, unreachable, quiet, checks)
        self.journal.note(RESET_UNDER_WAY, None)
        return result

    def was_killed_in_a_reset(self) -> bool:
        """Whether the control room before this one began a reset and did not end it: users may have been stopped."""
        return bool(self.journal.section(RESET_UNDER_WAY))

    def _stop_users(self, epoch: int) -> None:
        with contextlib.suppress(problems.Unreachable):
            path = "/admin/switches/setting/arrivals"
            body = {"active": True, "params": {"rps": 0}}
            self.peers.clients[TRAFFIC.name].post(path, body, STOP_TIMEOUT_SECONDS, epoch)

    def _reset_services(self, services: list[str], epoch: int, started_at: float, deadline: float) -> list[str]:
        """Reset these, trying again those that do not answer yet; the ones that never did."""
        left = list(services)

        def attempt() -> bool:
            timeout = max(0.2, deadline - time.monotonic())
            body = {"started_at": started_at}
            answers = self.peers.each(left, lambda client: client.post("/admin/reset", body, timeout, epoch))
            left[:] = [service for service, answer in answers.items() if isinstance(answer, problems.Problem)]
            return not left

        until(deadline, attempt)
        return left

    def _is_quiet(self) -> bool:
        """Whether in the data services nothing is on, nothing waits in a queue and nothing is leaked."""
        states = self.peers.states()
        for state in (states[service] for service in DATA_SERVICES):
            if state is None or any(state["active"].values()) or state["leaked_bytes"] or state["waiting"]:
                return False
            if state.get("connections", {}).get("queued") or state.get("pool", {}).get("waiting"):
                return False
        return True

    def _verify(self, deadline: float) -> list[dict[str, Any]]:
        checks = []
        for _ in range(RESET_TESTS):
            result = self._users.visit(max(0.2, deadline - time.monotonic()))
            self._tests.append({"n": 0, **result})
            checks.append({"ok": result["ok"], "seconds": result["seconds"], "reason": result["reason"]})
        return checks

    def _reset_result(
        self, began: float, unreachable: list[str], quiet: bool, checks: list[dict[str, Any]]
    ) -> dict[str, Any]:
        state = self.state()
        seconds = round(time.monotonic() - began, 3)
        steps = [f"{service} does not answer: ./scripts/lab infra heal {service}" for service in unreachable]
        if not unreachable:
            steps.append("every switch is off and every queue is empty" if quiet else "work is still queued")
        passed = sum(check["ok"] for check in checks)
        if checks:
            steps.append(f"{passed} of {len(checks)} test requests passed")
        is_done = quiet and passed == RESET_TESTS
        status = state["status"] if is_done else "RED"  # whatever those users say who have come since
        text = f"reset: {status} after {seconds:.1f} s; {'; '.join(steps)}"
        self.events.add(text, level="good" if status == "GREEN" else "error")
        return {
            "status": status,
            "reasons": state["reasons"] if is_done else steps,
            "seconds": seconds,
            "steps": steps,
            "checks": checks,
        }


def _secret(path: Path) -> str:
    """The lab's own secret; where it can be neither made nor read, the services refuse all changes, and it is said."""
    try:
        return Secret(path).make()
    except OSError as error:
        log.error("the services will refuse all changes: no secret at %s: %s", path, error)
        return ""


def _number(found: Any) -> int:
    """A number of the journal, whatever it holds."""
    return found if isinstance(found, int) and 0 <= found < 10**MAX_EPOCH_DIGITS else 0


def _cascade(status: str, states: States, kpis: Mapping[str, float | None], down: list[str]) -> dict[str, Any]:
    """What keeps an outage alive: the reason, the longest queue, work for nobody, and the retries that are allowed."""
    reason = why(status, states, kpis, down)
    return {
        "why": {"code": reason, "text": WHY[reason]},
        "queue_patience_ratio": queue_patience_ratio(states),
        "wasted_work_ratio": wasted_work_ratio(states, first=DATA_SERVICES[-1], last=DATA_SERVICES[0]),
        "attempts_allowed": attempts_allowed(states.values()),
    }


def _shown(state: dict[str, Any] | None, silent_seconds: float) -> dict[str, Any]:
    """A service as `GET /api/state` shows it; one that does not answer has its keys too, as nulls."""
    keys = ("rss_bytes", "memory_limit_bytes", "leaked_bytes", "threads_busy", "threads_total", "waiting")
    if state is None:
        nothing: dict[str, Any] = {**dict.fromkeys(keys), "active": {kind: {} for kind in KINDS}}
        return {"up": False, **nothing, "silent_seconds": round(silent_seconds, 1)}
    optional = ("expires", "pool", "connections", "cache", "waits", "oom_kills")
    return {
        "up": True,
        **{key: state[key] for key in keys},
        "active": state["active"],
        **{key: state[key] for key in optional if key in state},
    }


def _calls(state: dict[str, Any] | None) -> dict[str, Any] | None:
    """A service's calls of the next one, as it said last; None for one that makes none, or is down."""
    if state is None or "calls" not in state:
        return None
    calls = state["calls"]
    rps = calls["sent"] / max(LEAST_SECONDS, calls["seconds"])
    return {"peer": calls["peer"], "rps": rps, "level": edge_level(state)}
