"""The load below which a scene's lab recovers by itself once the trigger is gone, found by bisection."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from services.common.http.problems import InvalidRequest
from services.common.scenes.model import Expectation, Scene, Step, Switched

from .changes import changed_scene
from .prediction import Progress, predict

SETTLE_SECONDS = 60.0  # how long after the trigger the lab has for it
WINDOW_SECONDS = 15.0
WELL = 0.95  # share of the requests that succeed in the last of that
PRECISION = 0.03
MAX_TRIALS = 12


@dataclass(frozen=True)
class Trial:
    """What became of the scene at one load: success before the trigger and after it, as the median of the seeds.

    `after_low` and `after_high` are the least and the most of the seeds.
    """

    rps: float
    before: float | None
    after: float | None
    recovered: bool
    after_low: float | None
    after_high: float | None


def trial_scene(scene: Scene) -> Scene:
    """The scene up to the end of its trigger, and then nothing: no cure.

    Raises:
        InvalidRequest: no step of it takes back what was done.
    """
    number = next((number for number, step in enumerate(scene.steps) if _takes_back(scene, step)), None)
    if not number:
        raise InvalidRequest(f"{scene.name} has no trigger that is removed again")
    ends, begins = scene.steps[number].at_seconds, scene.steps[0].at_seconds
    before = Expectation("before", "success_ratio", minimum=WELL, at_seconds=begins, window_seconds=WINDOW_SECONDS)
    after = replace(before, text="after", at_seconds=ends + SETTLE_SECONDS)
    return replace(scene, steps=scene.steps[: number + 1], expect=(before, after))


def _takes_back(scene: Scene, step: Step) -> bool:
    """Whether a step switches something off, or back to what it was when the scene began."""
    return bool(step.off) or any(_is_as_at_start(scene, switched) for switched in step.on)


def _is_as_at_start(scene: Scene, switched: Switched) -> bool:
    return any(vars(switched) == vars(first) for first in scene.switches)


def recovers_below(
    scene: Scene, highest_rps: float, seeds: Sequence[int], threads: Mapping[str, int], progress: Progress
) -> tuple[float, list[Trial]]:
    """The load below which it recovers (0: none; the highest: any that was asked about), and every trial of it.

    It takes for granted that what recovers at one load recovers at each lower one.
    """
    scene = trial_scene(scene)
    low, high, rps = 0.0, highest_rps, highest_rps
    trials: list[Trial] = []
    while not trials or (len(trials) < MAX_TRIALS and high - low > PRECISION * high):
        tell = partial(_report, progress, len(trials))
        trials.append(try_load(changed_scene(scene, (), rps), seeds, threads, tell))
        if trials[-1].recovered:
            low = rps
        else:
            high = rps
        rps = round((low + high) / 2, 2)
    return low, sorted(trials, key=lambda trial: trial.rps)


def _report(progress: Progress, done: int, share: float) -> None:
    progress((done + share) / MAX_TRIALS)


def try_load(trial: Scene, seeds: Sequence[int], threads: Mapping[str, int], progress: Progress) -> Trial:
    """Play a trial scene at its load.

    Raises:
        InvalidRequest: something is on that the model knows nothing of.
    """
    before, after = predict(trial, seeds, threads, progress)
    if after.not_modelled is not None:
        raise InvalidRequest(after.not_modelled)
    shares = _numbers(after.values)
    return Trial(
        rps=trial.rps,
        before=_median(_numbers(before.values)),
        after=_median(shares),
        recovered=after.met * 2 > len(seeds),
        after_low=min(shares, default=None),
        after_high=max(shares, default=None),
    )


def _numbers(values: Sequence[Any]) -> list[float]:
    """What was measured; a load at which nobody came in the window measured nothing."""
    return [float(value) for value in values if value is not None]


def _median(numbers: Sequence[float]) -> float | None:
    return statistics.median(numbers) if numbers else None
