"""Predictions: a scene played with several seeds, and what its own expectations measure in each."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from services.common.scenes.checks import TICK_SECONDS, Check
from services.common.scenes.measures import MEASURES
from services.common.scenes.model import Expectation, Scene

from .simulated_lab import SimulatedLab, SimulatedRecording

Value = float | str | None
Progress = Callable[[float], None]  # called with the share of the work that is done

ASSUMPTIONS = (
    "users arrive at random (Poisson) and never wait for each other",
    "threads, pools, queues, timeouts, retries and defences are the lab's: their sizes, their order, its own classes",
    "a query takes its service time, 20 % more or less, and runs to its end when its caller has gone",
    "computing, the network, memory and its collections take no time: a real request takes some milliseconds more",
)


@dataclass
class Predicted:
    """One expectation, over all seeds: what each measured, or why the model cannot say."""

    expectation: Expectation
    values: list[Value] = field(default_factory=list)
    met: int = 0
    not_modelled: str | None = None

    def describe(self) -> dict[str, Any]:
        """The prediction, JSON-ready: the median and the range of numbers, the most frequent word."""
        entry = self.expectation
        document: dict[str, Any] = {"text": entry.text, "measure": entry.measure, "expected": entry.expected()}
        if self.not_modelled is not None:
            return {**document, "predicted": None, "range": None, "not_modelled": self.not_modelled}
        shown, span = in_words(entry, self.values)
        return {
            **document,
            "predicted": shown,
            "range": span,
            "value": _summary(self.values)[0],
            "as_expected": self.met,
            "seeds": len(self.values),
        }


def _summary(values: Sequence[Value]) -> tuple[Value, Value, Value]:
    """Median, least and most of numbers; of words the most frequent one, and the extremes in alphabetical order."""
    numbers = [value for value in values if isinstance(value, int | float)]
    if len(numbers) == len(values) and numbers:
        return statistics.median_low(numbers), min(numbers), max(numbers)
    words = [str(value) if value is not None else None for value in values]
    known = sorted(word for word in words if word is not None)
    return (Counter(words).most_common(1)[0][0], *((known[0], known[-1]) if known else (None, None)))


def why_beyond(measure: str) -> str | None:
    """Why the model cannot tell what this measures; None if it can."""
    simulated = MEASURES[measure].simulated
    return None if simulated is True else simulated


def in_words(entry: Expectation, values: Sequence[Value]) -> tuple[str, str]:
    """What several runs measured: the median, and from the least to the most: "39 %", "37 to 41 %"."""
    middle, low, high = _summary(values)
    if entry.shown(low) == entry.shown(high):
        return entry.shown(middle), entry.shown(low)
    if isinstance(low, float) and isinstance(high, float):
        return entry.shown(middle), f"{entry.number(low)} to {entry.number(high)} {entry.unit}".strip()
    return entry.shown(middle), f"{low} or {high}"


def predict(
    scene: Scene, seeds: Sequence[int], threads: Mapping[str, int], progress: Progress = lambda _: None
) -> list[Predicted]:
    """What the scene's expectations measure, with each of the seeds."""
    predicted = [Predicted(entry, not_modelled=why_beyond(entry.measure)) for entry in scene.expect]
    for number, seed in enumerate(seeds):
        lab = SimulatedLab(seed, threads, scene.rps)
        _play(lab, scene, predicted, partial(_report, progress, number, len(seeds)))
    return predicted


def _report(progress: Progress, done: int, of: int, share: float) -> None:
    progress((done + share) / of)


def _play(lab: SimulatedLab, scene: Scene, predicted: Sequence[Predicted], progress: Progress) -> None:
    """Play the scene once, and look at each expectation as the stage does."""
    recording = SimulatedRecording(lab)
    lab.start(scene)
    pending = [(entry, Check(entry.expectation)) for entry in predicted if entry.not_modelled is None]
    while pending:
        lab.engine.run(lab.engine.now + TICK_SECONDS)
        progress(min(1.0, lab.engine.now / max(scene.duration_seconds, TICK_SECONDS)))
        for entry, check in pending:
            _look(lab, recording, entry, check)
        pending = [(entry, check) for entry, check in pending if check.outcome == "pending" and not entry.not_modelled]


def _look(lab: SimulatedLab, recording: SimulatedRecording, entry: Predicted, check: Check) -> None:
    """Measure what is due, unless something has been on that the model knows nothing of."""
    if lab.engine.now < (entry.expectation.at_seconds or 0):
        return
    entry.not_modelled = lab.why_blind()
    if entry.not_modelled is not None:
        return
    check.look(recording)
    if check.outcome != "pending":
        entry.values.append(check.measured)
        entry.met += check.outcome == "pass"
