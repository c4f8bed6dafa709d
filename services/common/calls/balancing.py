"""How a caller chooses among the instances of a peer: small classes, for threads and simulated time alike."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import ClassVar

TAU_SECONDS = 10.0  # of peak EWMA: how long a bad moment is remembered (Finagle's default)


class Target:
    """One instance of the peer, as its caller sees it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.in_flight = 0
        self.ewma_seconds = 0.0
        self.ewma_at = 0.0

    def observe(self, seconds: float, now: float) -> None:
        """An attempt took so long. The average jumps to a peak at once, and comes down slowly."""
        decay = math.exp(-max(0.0, now - self.ewma_at) / TAU_SECONDS)
        self.ewma_seconds = max(seconds, self.ewma_seconds * decay + seconds * (1 - decay))
        self.ewma_at = now


class Balancer:
    """Chooses the target of an attempt."""

    name: ClassVar[str]

    def __init__(self, rng: random.Random, clock: Callable[[], float]) -> None:
        """`clock` is the clock by which targets are observed."""
        self.random = rng
        self.clock = clock

    def pick(self, targets: Sequence[Target]) -> Target:
        """One of these; there is at least one."""
        raise NotImplementedError


class RoundRobin(Balancer):
    """One after the other: the one that was picked longest ago.

    A counter modulo the number of targets does the same until one is left out: then it favours that one's neighbour.
    """

    name = "round_robin"

    def __init__(self, rng: random.Random, clock: Callable[[], float]) -> None:
        super().__init__(rng, clock)
        self._turn = 0
        self._picked: dict[str, int] = {}

    def pick(self, targets: Sequence[Target]) -> Target:
        """The next one."""
        self._turn += 1
        target = min(targets, key=lambda target: self._picked.get(target.name, 0))
        self._picked[target.name] = self._turn
        return target


class Random(Balancer):
    """Any one."""

    name = "random"

    def pick(self, targets: Sequence[Target]) -> Target:
        """Each with the same probability."""
        return self.random.choice(targets)


class LeastRequest(Balancer):
    """The one with the fewest requests in flight, any of them where several have as few."""

    name = "least_request"

    def pick(self, targets: Sequence[Target]) -> Target:
        """The one with the fewest."""
        fewest = min(target.in_flight for target in targets)
        return self.random.choice([target for target in targets if target.in_flight == fewest])


class PowerOfTwoChoices(Balancer):
    """Of two chosen at random, the one with fewer requests in flight.

    Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing" (2001).
    """

    name = "p2c"

    def pick(self, targets: Sequence[Target]) -> Target:
        """The better one of two."""
        two = self.random.sample(targets, min(2, len(targets)))
        return min(two, key=lambda target: target.in_flight)


class PeakEwma(Balancer):
    """Of two chosen at random, the one whose latency times its requests in flight is less.

    The average latency jumps to each peak. Finagle's `p2cPeakEwma`.
    """

    name = "peak_ewma"

    def pick(self, targets: Sequence[Target]) -> Target:
        """The better one of two."""
        now = self.clock()
        return min(self.random.sample(targets, min(2, len(targets))), key=lambda target: _load(target, now))


def _load(target: Target, now: float) -> float:
    """One that nobody has observed has no latency yet, and is tried with one request at a time."""
    if not target.ewma_seconds:
        return math.inf if target.in_flight else 0.0
    idle = math.exp(-max(0.0, now - target.ewma_at) / TAU_SECONDS)
    return target.ewma_seconds * idle * (target.in_flight + 1)


BALANCERS: dict[str, type[Balancer]] = {
    kind.name: kind for kind in (RoundRobin, Random, LeastRequest, PowerOfTwoChoices, PeakEwma)
}
