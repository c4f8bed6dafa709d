"""When users come: a Poisson process that can be played again."""

from __future__ import annotations

import random


class Schedule:
    """Arrivals, one after another; moments are seconds of a monotonic clock.

    Between two users lies a draw of mean 1, used up at the rate of the moment (the time change of a Poisson process;
    Ross, "Introduction to Probability Models", chapter 5). So a change of the rate stretches what is left and draws
    nothing anew, and the same seed gives the same users over the same changes.
    """

    def __init__(self, dice: random.Random) -> None:
        """`dice` are for arrivals without a seed."""
        self._dice = self._random = dice
        self._seed = 0
        self._rps = 0.0
        self._left = self._draw()
        self._at = 0.0

    @property
    def due(self) -> float | None:
        """When the next user comes; None is never."""
        return self._at + self._left / self._rps if self._rps else None

    def change(self, rps: float, seed: int, now: float) -> None:
        """From now on so many users come each second; a new seed begins with its first user, 0 is none."""
        if seed != self._seed:
            self.forget_seed()
            self._seed, self._random = seed, random.Random(seed) if seed else self._dice
            self._left = self._draw()
        else:
            self._left = max(0.0, self._left - (now - self._at) * self._rps)
        self._rps, self._at = rps, now

    def forget_seed(self) -> None:
        """The next seed begins with its first user, even if it is the same one."""
        self._seed, self._random = 0, self._dice

    def arrived(self) -> None:
        """The user who was due has come."""
        self._at = self.due or self._at
        self._left = self._draw()

    def _draw(self) -> float:
        return self._random.expovariate(1.0)
