"""Ballast: real Python objects of a given size, which can be given back whole."""

from __future__ import annotations

from services.common.process.memory import MB, give_back_free_memory

# A tuple of this many references takes 2,040 bytes. Above 512 bytes CPython takes memory from malloc, so that it can
# all be given back; and as the tuples refer to a container, the collector has to follow every reference.
REFERENCES = 250
TUPLES_PER_MB = MB // 2048  # 2,040 bytes and malloc's own 8

Ballast = list[object]


def make_ballast(mb: float) -> Ballast:
    """About `mb` MB of objects that the garbage collector has to visit."""
    ballast: Ballast = []
    for _ in range(max(1, round(mb * TUPLES_PER_MB))):
        ballast.append((ballast,) * REFERENCES)
    return ballast


def drop_ballast(ballasts: list[Ballast]) -> None:
    """Free them, and hand the memory back to the kernel."""
    for ballast in ballasts:
        ballast.clear()  # the tuples hold the list that holds them: emptying it frees them all
    give_back_free_memory()
