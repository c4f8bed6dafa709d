"""The cliff: the share of users who are served once a scene's trigger is gone, at each load.

`python -m simulation.cliff` writes the curves of the scenes as they are. With `--now` it is the control room's: it
reads a scene as it is now (`Now`, a line of JSON) from standard input, and writes a `Report` for each load. It keeps
out of everybody's way: lowest priority, a quarter of one CPU, and it ends with whoever holds the other end of its
input.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from services.common.http.problems import Problem
from services.common.scenes.files import all_scenes
from services.common.scenes.model import Scene
from services.common.telemetry.wire import decode, encode

from .changes import changed_scene
from .now import Now, after_steps, trial_of
from .prediction import Progress
from .threshold import PRECISION, Trial, try_load

SHIPPED = Path(__file__).parent / "cliffs.json"
LOADS = 10  # evenly spread, before those that are closer to the edge
SEEDS = (1, 2, 3)
CPU_SHARE = 0.25
LEAST_SLICE_SECONDS = 0.005  # of CPU, between two rests
NICEST = 19
Key = tuple[str, tuple[str, ...]]  # a scene, and what is another one than its own, in words


@dataclass(frozen=True)
class Report:
    """What a computation says: the trial of one load, or why there is none."""

    trial: Trial | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Edge:
    """The highest load that recovers (0: none did), and the lowest above it that stays down (None: none does)."""

    recovers_to_rps: float
    stays_down_from_rps: float | None


def edge_of(trials: Sequence[Trial]) -> Edge:
    """Where the scene falls off: it takes for granted that above the first load that stays down all others do."""
    recovers_to = 0.0
    for trial in sorted(trials, key=lambda trial: trial.rps):
        if not trial.recovered:
            return Edge(recovers_to, trial.rps)
        recovers_to = trial.rps
    return Edge(recovers_to, None)


def curve(trial: Scene, progress: Progress) -> Iterator[Trial]:
    """Every load up to the scene's `cliff_rps`, from low to high, and then closer and closer to the edge."""
    trials = []
    for number in range(1, LOADS + 1):
        trials.append(_at(trial, trial.cliff_rps * number / LOADS, progress))
        yield trials[-1]
    edge = edge_of(trials)
    while edge.stays_down_from_rps and edge.stays_down_from_rps - edge.recovers_to_rps > PRECISION * trial.cliff_rps:
        trials.append(_at(trial, (edge.recovers_to_rps + edge.stays_down_from_rps) / 2, progress))
        yield trials[-1]
        edge = edge_of(trials)


def _at(trial: Scene, rps: float, progress: Progress) -> Trial:
    found = try_load(changed_scene(trial, (), round(rps, 2)), SEEDS, {}, progress)
    return replace(
        found,
        before=_rounded(found.before),
        after=_rounded(found.after),
        after_low=_rounded(found.after_low),
        after_high=_rounded(found.after_high),
    )


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 3)


def shipped() -> dict[Key, list[Trial]]:
    """The curves that are made ahead: of each scene that has a cliff, as it is and with each of its cures."""
    curves = json.loads(SHIPPED.read_text())
    return {
        (curve["scene"], tuple(curve["changes"])): [decode(Trial, trial) for trial in curve["trials"]]
        for curve in curves
    }


def to_ship() -> dict[Key, Scene]:
    """The trial of each curve that is made ahead."""
    trials = {}
    for scene in all_scenes().values():
        for steps in range(len(scene.steps) + 1) if scene.cliff_rps else ():
            trial, changes = trial_of(after_steps(scene, steps))
            trials[scene.name, changes] = trial
    return trials


def write_shipped() -> None:
    """Compute the curves that are made ahead, and keep them."""
    curves = {}
    for key, trial in to_ship().items():
        curves[key] = list(curve(trial, lambda _: None))
        print(*key, edge_of(curves[key]), flush=True)
    keep(curves)


def keep(curves: Mapping[Key, Sequence[Trial]]) -> None:
    """Write the file of the curves, a line for each load."""
    entries = []
    for (name, changes), trials in curves.items():
        lines = (json.dumps(encode(trial)) for trial in sorted(trials, key=lambda trial: trial.rps))
        head = json.dumps({"scene": name, "changes": changes})[:-1]
        entries.append(f'{head}, "trials": [\n  ' + ",\n  ".join(lines) + "\n]}")
    SHIPPED.write_text("[\n" + ",\n".join(entries) + "\n]\n")


class Pace:
    """Rests after each slice of work, so that only this share of one CPU is used."""

    def __init__(
        self,
        share: float,
        clock: Callable[[], float] = time.process_time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rest_per_second = (1 - share) / share
        self._clock = clock
        self._sleep = sleep
        self._rested_at = clock()

    def __call__(self, _: float) -> None:
        """Rest, if there was a slice of work."""
        used = self._clock() - self._rested_at
        if used >= LEAST_SLICE_SECONDS:
            self._sleep(used * self._rest_per_second)
            self._rested_at = self._clock()


def stand_back() -> None:
    """Run when nobody else wants to."""
    os.nice(NICEST)
    if hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def compute() -> None:
    """Report the curve of the scene that standard input names."""
    stand_back()
    now = decode(Now, json.loads(sys.stdin.readline()))
    threading.Thread(target=_end_with_input, daemon=True).start()
    try:
        trial, _ = trial_of(now)
        for found in curve(trial, Pace(CPU_SHARE)):
            _report(Report(trial=found))
    except Problem as problem:
        _report(Report(problem=problem.detail))


def _report(report: Report) -> None:
    print(json.dumps(encode(report)), flush=True)


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    compute() if "--now" in sys.argv[1:] else write_shipped()
