"""The cliff of the scene that is on: the shipped curve, or one for what somebody has changed since.

A curve for changed settings is computed by one process of its own, at the lowest priority; see `simulation.cliff`.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any

from services.common.http import problems
from services.common.scenes.files import find_scene
from services.common.switches.settings import ArrivalsSetting
from services.common.telemetry.wire import decode, encode
from services.common.topology import CHAIN_NAMES, TRAFFIC
from services.control_room.lab_state import LabState
from simulation.cliff import Key, Report, edge_of, shipped
from simulation.now import Now, trial_of
from simulation.threshold import SETTLE_SECONDS, WELL, WINDOW_SECONDS, Trial

log = logging.getLogger(__name__)
COMMAND = (sys.executable, "-m", "simulation.cliff", "--now")
LIMIT_SECONDS = 300.0
KEPT = 16
DONE, COMPUTING, FAILED = "done", "computing", "failed"


class Curve:
    """A curve for what is on now: computed by a process, a load after the other."""

    def __init__(self, now: Now, command: Sequence[str], limit_seconds: float) -> None:
        self.trials: list[Trial] = []
        self.state = COMPUTING
        self.why: str | None = None
        self._now = now
        self._limit = threading.Timer(limit_seconds, self._end_late)
        self._limit.daemon = True
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, name="cliff", daemon=True)

    def start(self) -> None:
        """Tell the process what to compute, and listen to it."""
        self._limit.start()
        self._reader.start()

    def stop(self) -> None:
        """End the process, wherever it is."""
        self.process.kill()
        self._reader.join()

    def _read(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with self.process:  # on leaving, its pipes are closed, and it has ended
            try:
                print(json.dumps(encode(self._now)), file=self.process.stdin, flush=True)
                for line in self.process.stdout:
                    self._hear(decode(Report, json.loads(line)))
            except (OSError, ValueError):
                log.exception("the computation of a cliff")
            self._limit.cancel()
        self._end()

    def _hear(self, report: Report) -> None:
        if report.trial is not None:
            self.trials = sorted([*self.trials, report.trial], key=lambda trial: trial.rps)
        if report.problem is not None:
            self.why = report.problem

    def _end(self) -> None:
        if self.process.returncode != 0 and self.why is None:
            self.why = "the computation has ended before its time"
        self.state = DONE if self.why is None else FAILED

    def _end_late(self) -> None:
        self.why = f"the computation took more than {self._limit.interval:.0f} s"
        self.process.kill()


class Cliff:
    """Follows what is on. There is never more than one process: one for other settings ends the one before."""

    def __init__(self, command: Sequence[str] = COMMAND, limit_seconds: float = LIMIT_SECONDS) -> None:
        self._command = command
        self._limit_seconds = limit_seconds
        self._shipped = shipped()
        self._computed: dict[Key, Curve] = {}
        self._lock = threading.Lock()
        self._seen: Key | None = None  # at the last look: only what is on for two of them is computed
        self._key: Key | None = None

    def look(self, scene: str | None, state: LabState) -> None:
        """See what is on now, and have its curve computed if there is none."""
        if scene is None or (scene, ()) not in self._shipped:
            self.stop()
            return
        now = _now(scene, state)
        if now is None:  # somebody does not answer
            return
        key = (scene, trial_of(now)[1])
        with self._lock:
            is_settled, self._seen = key == self._seen, key
            if not is_settled or key == self._key:
                return
            self._leave()
            self._key = key
            if key not in self._shipped and key not in self._computed:
                self._begin(key, now)

    def stop(self) -> None:
        """Nothing is on any more, and nothing is computed."""
        with self._lock:
            self._leave()
            self._seen = None

    def describe(self, name: str) -> dict[str, Any]:
        """The curve of a scene, JSON-ready: as it is now if it is on, or else as it is in its file.

        Raises:
            NotFound: no such scene, or it has no cliff.
        """
        scene = find_scene(name)
        if (name, ()) not in self._shipped:
            allowed = [scene for scene, changes in self._shipped if not changes]
            raise problems.NotFound(f"{name} has no cliff", field="name", allowed=allowed)
        key = self._key if self._key and self._key[0] == name else (name, ())
        curve = self._computed.get(key)
        trials = curve.trials if curve else self._shipped.get(key, [])
        return {
            "scene": name,
            "highest_rps": scene.cliff_rps,
            "origin": "computed" if curve else "shipped",
            "changes": list(key[1]),
            "state": curve.state if curve else DONE,
            "why": curve.why if curve else None,
            **vars(edge_of(trials)),
            "judged": {"after_seconds": SETTLE_SECONDS, "window_seconds": WINDOW_SECONDS, "success_ratio": WELL},
            "points": [encode(trial) for trial in trials],
        }

    def version(self) -> str | None:
        """Another one whenever the curve of the scene that is on is another one; None if there is none."""
        key = self._key
        if key is None:
            return None
        curve = self._computed.get(key)
        return " ".join((key[0], *key[1], f"{curve.state} {len(curve.trials)}" if curve else DONE))

    def _begin(self, key: Key, now: Now) -> None:
        curve = self._computed[key] = Curve(now, self._command, self._limit_seconds)
        for old in list(self._computed)[:-KEPT]:
            del self._computed[old]
        curve.start()

    def _leave(self) -> None:
        """End what is computed; what is not whole is not kept."""
        key, self._key = self._key, None
        curve = self._computed.get(key) if key else None
        if key and curve and curve.state != DONE:
            curve.stop()
            del self._computed[key]


def _now(scene: str, state: LabState) -> Now | None:
    """What is on now; None while a service does not say."""
    known = {name: state.services[name].known for name in (*CHAIN_NAMES, TRAFFIC.name)}
    active = {name: service.active for name, service in known.items() if service is not None}
    if len(active) < len(known):
        return None
    arrivals = active.pop(TRAFFIC.name)["setting"].get(ArrivalsSetting.name, {})
    patience = arrivals.get("patience_seconds", ArrivalsSetting.patience_seconds.default)
    return Now(scene, patience, active)
