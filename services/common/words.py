"""Numbers and parameters as people read them, the same on the command line, in the activity log and on the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNREMARKABLE = {"probability": 1, "duration_seconds": 0, "seed": 0}  # values that say nothing


def duration_words(seconds: float | None) -> str:
    """A duration as a person would say it: "39 ms", "2.1 s"; "-" is an unknown one."""
    if seconds is None:
        return "-"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"


def minutes_words(seconds: float) -> str:
    """A duration as a clock shows it: "4:05"."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def percent(ratio: float) -> str:
    """A ratio per hundred: 100 is all of them, not nearly all."""
    number = ratio * 100
    return f"{number:.0f}" if number in (0, 100) or number <= 99 else f"{min(number, 99.9):.1f}"


def two_digits(number: float) -> str:
    """A measured number with the digits that mean something: "0.05", "2.6", "38", "1204"."""
    if abs(number) >= 9.95 or number == int(number):
        return f"{number:.0f}"
    return f"{number:.1f}" if abs(number) >= 0.995 else f"{number:.2f}"


def params_words(params: Mapping[str, Any]) -> str:
    """The parameters of a switch that say something: " (min_seconds 2, max_seconds 5)", or nothing."""
    shown = [
        f"{key} {value:g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in params.items()
        if UNREMARKABLE.get(key) != value
    ]
    return f" ({', '.join(shown)})" if shown else ""
