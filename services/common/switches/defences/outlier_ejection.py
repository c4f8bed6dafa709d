"""Defence: stop asking an instance that keeps failing, for a while."""

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from services.common.calls.balancing import Target
from services.common.switches.base import Defence, Host
from services.common.switches.params import Param

EJECTED = "ejected"
MOST_TIMES = 10  # ejection times do not grow beyond this many base times


class _Record:
    """What the caller knows of one instance."""

    def __init__(self, requests: int) -> None:
        self.in_a_row = 0
        self.last: deque[bool] = deque(maxlen=requests)
        self.times = 0  # that it was ejected lately
        self.until = 0.0
        self.why = ""


class OutlierEjection(Defence):
    """Ejects an instance after failures in a row, or when too few of its last requests succeeded; each time longer.

    Envoy's outlier detection, without its sweep, and with defaults that make sense for three instances: Envoy would
    eject a tenth of them at the most, which is none. Where fewer than `panic_ratio` of the instances would be left, all
    are asked, ejected or not: it fails open.
    """

    name = "outlier_ejection"
    simulated = True
    story = "An instance that keeps failing is not asked for a while."
    consecutive_failures = Param(5, "failures in a row that eject it; 0 is never", "", 0, 1000)
    success_ratio = Param(0.0, "share of its last requests that must succeed; 0 is not looked at", "", 0, 1)
    requests = Param(20, "how many of its last requests that share is of", "", 1, 1000)
    base_seconds = Param(5.0, "how long it is ejected the first time; then two, three times as long", "s", 0.1, 300)
    max_ejected_ratio = Param(0.5, "share of the instances that may be ejected at once", "", 0, 1)
    panic_ratio = Param(0.5, "share of instances left below which all are asked again", "", 0, 1)
    refusals_count = Param(True, "whether a refusal (503: shed, starting) is a failure of the instance")
    timeouts_count = Param(True, "whether an answer that did not come in time is a failure of the instance")

    @classmethod
    def brief_of(cls, values: Mapping[str, Any]) -> str:
        """What ejects."""
        return (
            "ejects below {success_ratio}"
            if values["success_ratio"]
            else "ejects after {consecutive_failures} failures"
        )

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._lock = threading.Lock()
        self._records: dict[str, _Record] = {}
        self._instances = 1  # in use

    def on_start(self) -> None:
        with self._lock:
            for record in self._records.values():
                record.last = deque(record.last, maxlen=self.requests)

    def on_stop(self) -> None:
        with self._lock:
            self._records.clear()

    def narrow(self, targets: Sequence[Target]) -> Sequence[Target]:
        now = self.host.clock()
        with self._lock:
            self._instances = len(targets)
            left = [target for target in targets if not self._is_ejected(target.name, now)]
        return left if len(left) >= self.panic_ratio * len(targets) else targets

    def verdict(self, target: Target) -> tuple[str, str] | None:
        with self._lock:
            record = self._records.get(target.name)
            return (EJECTED, record.why) if record and record.until > self.host.clock() else None

    def after_send(self, target: Target, outcome: str, seconds: float) -> None:
        counts = {"refused": self.refusals_count, "timeout": self.timeouts_count}
        failed = outcome != "ok" and counts.get(outcome, True)
        now = self.host.clock()
        with self._lock:
            record = self._records.setdefault(target.name, _Record(self.requests))
            record.in_a_row = record.in_a_row + 1 if failed else 0
            record.last.append(failed)
            if record.until <= now and (why := self._why_out(record)):
                self._eject(record, why, now)

    def _why_out(self, record: _Record) -> str:
        if self.consecutive_failures and record.in_a_row >= self.consecutive_failures:
            return f"{record.in_a_row} failures in a row"
        good = 1 - sum(record.last) / len(record.last)
        if self.success_ratio and len(record.last) == record.last.maxlen and good < self.success_ratio:
            return f"only {good * 100:.0f} % of its last {len(record.last)} requests succeeded"
        return ""

    def _eject(self, record: _Record, why: str, now: float) -> None:
        """Eject it, unless as many are ejected as may be; the lock is held."""
        out = sum(each.until > now for each in self._records.values())
        if out + 1 > self.max_ejected_ratio * self._instances:
            return
        healthy_for = now - record.until
        forgiven = int(healthy_for / self.base_seconds) if record.until else 0
        record.times = min(MOST_TIMES, max(0, record.times - forgiven) + 1)
        seconds = self.base_seconds * record.times
        record.until, record.why = now + seconds, f"for {seconds:g} s: {why}"
        record.in_a_row = 0
        record.last.clear()

    def _is_ejected(self, name: str, now: float) -> bool:
        record = self._records.get(name)
        return record is not None and record.until > now
