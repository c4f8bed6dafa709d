"""The lab as a whole: what the control room's API does, without the HTTP around it."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any

from services.common.calls.call import MAX_EPOCH_DIGITS
from services.common.calls.upstream import IN_USE, STANDBY
from services.common.calls.user_client import UserClient
from services.common.http import problems
from services.common.process.secret import Secret
from services.common.process.service import UNKNOWN_BOOT_ID
from services.common.process.settings import Settings
from services.common.switches.catalogue import check_switch
from services.common.telemetry.state import States, TargetState, attempts_allowed
from services.common.topology import CHAIN, FRONTEND, SWITCHED, SWITCHED_NAMES, TRAFFIC, ServiceSpec, instances
from services.common.words import duration_words
from services.control_room.health import (
    Down,
    health_of_all,
    health_of_instance,
    kpi_levels,
    queue_patience_ratio,
    wasted_work_ratio,
    why,
)
from services.control_room.lab_state import Cascade, InstanceView, LabState, ServiceView
from services.control_room.status import Kpis, judge, kpis_of, traffic_of
from services.control_room.watching.events import EventLog
from services.control_room.watching.journal import Journal
from services.control_room.watching.news import SwitchNews
from services.control_room.watching.observer import Observer
from services.control_room.watching.peers import InstanceStates, Peers, by_service, in_use, targets_of, until

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
LAST_FIRST = [instance.name for instance in reversed(instances(CHAIN))]  # the order of a reset
USERS = [instance.name for instance in TRAFFIC.instances]


class Lab:
    """Every service behind one door."""

    def __init__(self, settings: Settings) -> None:
        self.journal = Journal(settings.journal_dir)
        self.events = EventLog(self.journal.add_event)
        self.peers = Peers(settings.admin_urls, _secret(settings.secret_file))
        self.epoch = 0  # the number of the last reset: what was asked for in an earlier one is not done any more
        self._news = {spec.name: SwitchNews(spec, self.events) for spec in SWITCHED}
        self.observers = {
            instance.name: Observer(
                instance, self.peers, self.events, self.journal, lambda: self.epoch, self._news[spec.name]
            )
            for spec in SWITCHED
            for instance in spec.instances
        }
        self._users = UserClient(settings.data_urls[FRONTEND.instances[0].name])
        self._tests: deque[dict[str, Any]] = deque(maxlen=TESTS_KEPT)
        self._epoch_lock = threading.Lock()
        self._reset_under_way: Future[dict[str, Any]] | None = None
        self._status_reported = "GREEN"
        self._roles: dict[str, str] = {}
        self._latest: LabState | None = None
        self._latest_asked = 0.0
        self._latest_lock = threading.Lock()

    def start(self) -> None:
        """Restore what the journal has, and watch the services."""
        self.journal.open()
        if self._is_the_same_lab():
            self.events.restore(self.journal.events())
            self._status_reported = str(self.journal.section("status") or self._status_reported)
            self.events.add("the control room is open again")
        else:
            self.journal.clear()
            self.events.restore([])
            self.events.add("the control room is open")
        if self.journal.passed_over is not None:
            self.events.add(self.journal.passed_over, level="warning")
        self.epoch = _number(self.journal.section("epoch"))
        self._hear_epochs(self.peers.states())
        for observer in self.observers.values():
            observer.start()

    def _is_the_same_lab(self) -> bool:
        """Whether a service still lives that the journal knows: a lab that is new has nothing to do with its log."""
        known = {instance: observer.known_boot_id() for instance, observer in self.observers.items()}
        deadline = time.monotonic() + SAME_LAB_SECONDS
        while any(known.values()):
            alive = {name: state.boot_id for name, state in self.peers.states().items() if state is not None}
            if any(known[name] == boot_id != UNKNOWN_BOOT_ID for name, boot_id in alive.items()):
                return True
            if len(alive) == len(known) or time.monotonic() > deadline:
                break
            time.sleep(RETRY_SECONDS)
        return False

    def _hear_epochs(self, states: InstanceStates) -> None:
        """Never be behind a service: it would refuse every call."""
        with self._epoch_lock:
            self.epoch = max(self.epoch, *(state.epoch for state in states.values() if state is not None), 0)

    # What is.

    def state(self) -> LabState:
        """The state of everything, fresh, but for the scene."""
        asked_at = time.monotonic()
        states = self.peers.states()
        self._hear_epochs(states)
        for instance, seen in states.items():
            if seen is not None:
                self.observers[instance].hear(seen, asked_at)
        state = self._state(states)
        with self._latest_lock:
            if asked_at >= self._latest_asked:
                self._latest, self._latest_asked = state, asked_at
        return state

    def status(self) -> str:
        """GREEN, YELLOW or RED, fresh."""
        return self.state().status

    @property
    def latest(self) -> LabState | None:
        """The state that somebody asked for last: what is exported to Prometheus."""
        return self._latest

    def _state(self, fresh: InstanceStates) -> LabState:
        all_down = self._down(fresh)
        last = self._last_known(fresh, all_down)
        known, used, targets = by_service(last), in_use(last), targets_of(last)
        down = [name for name in all_down if name in used[self.observers[name].service]]
        missing = {
            service: (sum(name in down for name in names), len(names))
            for service, names in used.items()
            if any(name in down for name in names)
        }
        kpis = kpis_of(known, list(self._tests))
        status, reasons = judge(known, kpis, down)
        health = health_of_all(known, kpis, missing)
        now = by_service(fresh)
        users = traffic_of(known)
        return LabState(
            status=status,
            reasons=reasons,
            traffic=traffic_of(now),
            kpis=kpis,
            kpi_levels=kpi_levels(kpis, has_users=users is not None and users.rps > 0),
            cascade=_cascade(status, known, kpis, missing),
            services={
                spec.name: ServiceView(
                    up=all(fresh[name] is not None for name in used[spec.name]),
                    silent_seconds=max(self.observers[name].silent_seconds() for name in used[spec.name]),
                    state=now[spec.name],
                    known=known[spec.name],
                    health=health[spec.name],
                    instances=self._instances(spec, fresh, last, all_down, targets, known),
                )
                for spec in SWITCHED
            },
        )

    def _instances(
        self,
        spec: ServiceSpec,
        fresh: InstanceStates,
        last: InstanceStates,
        down: list[str],
        targets: Mapping[str, TargetState],
        services: States,
    ) -> dict[str, InstanceView]:
        """Each instance of a service that has several."""
        if spec.replicas == 1:
            return {}
        sent = sum(targets[each.name].sent for each in spec.instances)
        return {
            name: InstanceView(
                up=fresh[name] is not None,
                silent_seconds=self.observers[name].silent_seconds(),
                state=fresh[name],
                health=health_of_instance(spec.name, last[name], services, name in down),
                target=targets[name],
                share=targets[name].sent / sent if sent else None,
            )
            for name in (each.name for each in spec.instances)
        }

    def _last_known(self, states: InstanceStates, down: list[str]) -> InstanceStates:
        """The states, with the last word of an instance that is silent for a moment; one that is down has none."""
        silent = {name for name, state in states.items() if state is None and name not in down}
        return states | {name: self.observers[name].last_said for name in silent}

    def _down(self, states: InstanceStates) -> list[str]:
        """The instances that did not answer now, nor to their observer for longer than a collection may last."""
        return [
            name
            for name, state in states.items()
            if state is None and self.observers[name].silent_seconds() > DOWN_SECONDS
        ]

    def report(self, state: LabState) -> None:
        """Report to the activity log what has changed: the status, and what an instance is to its caller."""
        for service in state.services.values():
            for name, instance in service.instances.items():
                self._report_role(name, instance.target)
        self._report_status(state)

    def _report_role(self, name: str, target: TargetState) -> None:
        before, self._roles[name] = self._roles.get(name, IN_USE), target.role
        if target.role == before:
            return
        if target.role not in (IN_USE, STANDBY):
            self.events.add(f"{name}: {target.role} {target.why}", level="warning")
        elif before not in (IN_USE, STANDBY):
            self.events.add(f"{name}: in use again", level="good")

    def _report_status(self, state: LabState) -> None:
        status = state.status
        if status != self._status_reported:
            self._status_reported = status
            self.journal.note("status", status)
            level = {"GREEN": "good", "YELLOW": "warning", "RED": "error"}[status]
            self.events.add(f"status {status}: {'; '.join(state.reasons)}", level=level)

    # What can be done.

    def switch(
        self,
        service: str,
        kind: str,
        name: str,
        active: bool,
        params: dict[str, Any],
        epoch: int | None = None,
        *,
        hidden: bool = False,
    ) -> dict[str, Any]:
        """Switch something on or off in a service or one instance of it, for a wish of the epoch of that number.

        Without a number it is the epoch of now. The answer is that of the first instance, under the name asked for.
        What is `hidden` is a drill's: nobody is told that it is on.

        Raises:
            NotFound, InvalidParameter: nothing has changed.
            Overtaken: a reset has come since; nothing has changed.
            Unreachable: an instance did not answer; the others have changed, and it says which.
        """
        check_switch(service, kind, name, params)
        epoch = self.epoch if epoch is None else epoch
        self._let_reset_end()
        path, body = f"/admin/switches/{kind}/{name}", {"active": active, "params": params, "hidden": hidden}
        names = [instance.name for instance in SWITCHED_NAMES[service]]
        answers = self._post(names, path, body, epoch)
        for instance in names:
            self.observers[instance].wake()
        return {**answers[names[0]], "service": service}

    def expect(self, service: str, kind: str, name: str, params: Mapping[str, Any] | None) -> None:
        """Somebody tells that this goes on, or off (None): the activity log needs no line of its own for it."""
        for owner in {instance.spec.name for instance in SWITCHED_NAMES[service]}:
            self._news[owner].expect(kind, name, params)

    def _let_reset_end(self) -> None:
        """What is pressed during a reset comes after it."""
        under_way = self._reset_under_way
        if under_way is not None:
            wait([under_way])

    def _post(self, names: list[str], path: str, body: dict[str, Any], epoch: int) -> dict[str, dict[str, Any]]:
        """Post to these instances, again while one is between a crash and its restart: control calls are idempotent."""
        deadline = time.monotonic() + CONTROL_TIMEOUT_SECONDS
        answers: dict[str, dict[str, Any]] = {}
        while True:
            if epoch != self.epoch:
                raise problems.Overtaken("the lab was reset after this was asked for")
            left = [name for name in names if name not in answers]
            found = self._post_once(left, path, body, max(0.1, deadline - time.monotonic()), epoch)
            answers |= {name: answer for name, answer in found.items() if not isinstance(answer, problems.Problem)}
            failed = [answer for answer in found.values() if isinstance(answer, problems.Problem)]
            if not failed:
                return answers
            if not isinstance(failed[0], problems.Unreachable):
                raise failed[0]
            if time.monotonic() + RETRY_SECONDS > deadline:
                changed = f"; {' and '.join(answers)} changed" if answers else ""
                raise problems.Unreachable(f"{failed[0].detail}{changed}")
            time.sleep(RETRY_SECONDS)

    def _post_once(self, names: list[str], path: str, body: Any, timeout: float, epoch: int) -> dict[str, Any]:
        return self.peers.each(names, lambda client: client.post(path, body, timeout, epoch))

    def set_traffic(
        self, rps: float, seed: int = 0, epoch: int | None = None, patience_seconds: float | None = None
    ) -> dict[str, Any]:
        """Let so many users come each second; those of a seed, or (0) others than ever before."""
        given = {"rps": rps, "seed": seed or None, "patience_seconds": patience_seconds}
        params = {name: value for name, value in given.items() if value is not None}
        return self.switch(TRAFFIC.name, "setting", "arrivals", True, params, epoch)

    def test_requests(self, count: int) -> Iterator[dict[str, Any]]:
        """Send test requests through the frontend, one after another, and yield each as it ends."""
        for number in range(1, count + 1):
            result = {"n": number, **self._users.visit(TEST_TIMEOUT_SECONDS)}
            if result["reason"] != problems.Reset.reason:
                self._tests.append(result)
            self._report_test(result)
            yield result

    def about_answers(self) -> bool:
        """Whether the frontend's /about, which needs no other service, answers within a second."""
        return self._users.about(ABOUT_TIMEOUT_SECONDS)

    def _report_test(self, result: dict[str, Any]) -> None:
        seconds = duration_words(result["seconds"])
        if not result["ok"]:
            failed = [hop["service"] for hop in result["hops"] if hop["status"] >= 500]
            where = f" at {failed[-1]}" if failed else ""
            text = f"test request failed after {seconds}{where}: {result['reason']}"
            self.events.add(text, level="error")
        elif result["seconds"] >= 1:
            self.events.add(f"test request took {seconds}", level="warning")
        else:
            self.events.add(f"test request took {seconds}", level="good")

    def reset(self, is_brief: bool = False) -> dict[str, Any]:
        """Everything off and healthy: the status, the seconds since the call, and the checks that decided.

        In the activity log one that `is_brief` says how it ended only where that is not GREEN.
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
            self._lead(mine, epoch, asked, is_brief)
        return mine.result() | {"seconds": round(time.monotonic() - asked, 3)}

    def _lead(self, mine: Future[dict[str, Any]], epoch: int, asked: float, is_brief: bool) -> None:
        result, error = None, None
        try:
            result = self._reset(epoch, asked, is_brief)
        except Exception as caught:
            error = caught
        with self._epoch_lock:  # nobody joins a reset whose waiters are let go
            self._reset_under_way = None
        if result is None:
            mine.set_exception(error)
        else:
            mine.set_result(result)

    def _reset(self, epoch: int, asked: float, is_brief: bool) -> dict[str, Any]:
        self.journal.note("epoch", epoch)
        self.journal.note(RESET_UNDER_WAY, True)
        deadline = asked + RESET_SECONDS
        self.events.add("reset: everything off")
        # No user comes while the queues empty; those of before are refused, and count for nothing. Then they are
        # dropped, and new ones come to a lab that is ready for them.
        self._stop_users(epoch)
        unreachable = self._reset_instances(LAST_FIRST, epoch, time.time(), deadline)
        quiet = not unreachable and until(deadline, self._is_quiet)
        unreachable += self._reset_instances(USERS, epoch, time.time(), deadline)
        self._tests.clear()
        checks = self._verify(deadline) if quiet and not unreachable else []
        result = self._reset_result(asked, unreachable, quiet, checks)
        if result["status"] != "GREEN" or not is_brief:
            self._report_reset(result)
        self.journal.note(RESET_UNDER_WAY, None)
        return result

    def _report_reset(self, result: dict[str, Any]) -> None:
        status = result["status"]
        text = f"reset: {status} after {result['seconds']:.1f} s; {'; '.join(result['steps'])}"
        self.events.add(text, level="good" if status == "GREEN" else "error")

    def was_killed_in_a_reset(self) -> bool:
        """Whether the control room before this one began a reset and did not end it: users may have been stopped."""
        return bool(self.journal.section(RESET_UNDER_WAY))

    def _stop_users(self, epoch: int) -> None:
        path, body = "/admin/switches/setting/arrivals", {"active": True, "params": {"rps": 0}}
        self.expect(TRAFFIC.name, "setting", "arrivals", {"rps": 0})
        self.expect(TRAFFIC.name, "setting", "arrivals", None)
        self._post_once(USERS, path, body, STOP_TIMEOUT_SECONDS, epoch)

    def _reset_instances(self, names: list[str], epoch: int, started_at: float, deadline: float) -> list[str]:
        """Reset these, trying again those that do not answer yet; the ones that never did."""
        left = list(names)

        def attempt() -> bool:
            timeout = max(0.2, deadline - time.monotonic())
            body = {"started_at": started_at}
            answers = self._post_once(left, "/admin/reset", body, timeout, epoch)
            left[:] = [name for name, answer in answers.items() if isinstance(answer, problems.Problem)]
            return not left

        until(deadline, attempt)
        return left

    def _is_quiet(self) -> bool:
        """Whether in the data services nothing is on, nothing waits in a queue and nothing is leaked."""
        states = self.peers.states()
        return all(
            state is not None and state.is_at_defaults and not state.leaked_bytes and not state.queued
            for state in (states[name] for name in LAST_FIRST)
        )

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
        status = state.status if is_done else "RED"  # whatever those users say who have come since
        return {
            "status": status,
            "reasons": state.reasons if is_done else steps,
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


def _cascade(status: str, states: States, kpis: Kpis, down: Down) -> Cascade:
    """What keeps an outage alive."""
    return Cascade(
        why=why(status, states, kpis, down),
        queue_patience_ratio=queue_patience_ratio(states),
        wasted_work_ratio=wasted_work_ratio(states, first=CHAIN[0].name, last=CHAIN[-1].name),
        attempts_allowed=attempts_allowed(states.values()),
    )
