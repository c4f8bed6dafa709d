"""Draws lines over time as SVG, by hand and small: on a ground of its own, so that it is read on any page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from services.common.words import minutes_words

WIDTH, HEIGHT = 760, 286
LEFT, RIGHT, TOP, BOTTOM = 62, 24, 68, 34
INNER_WIDTH, INNER_HEIGHT = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
GAP_SECONDS = 5.0  # what is further apart is not joined: nothing was measured between
MOST_POINTS = 350  # of one line: two pixels each
TIME_STEPS = (5, 10, 15, 30, 60, 120, 300, 600)
TIME_LABELS = 9
LETTER, SHORT = 7.6, 6  # about the width of one; the letters of a short word may all be wide
LEAST_MARK_PIXELS = 20
GROUND, TEXT, SOFT, GRID = "#ffffff", "#131a22", "#47535f", "#dde3ea"
Values = Sequence[float | None]


@dataclass(frozen=True)
class Line:
    """A line: one value for each moment, its colour, and dashes that tell it apart without the colour.

    `worst` picks the value to be drawn where there are more than fit.
    """

    label: str
    values: Values
    colour: str
    dashes: str = ""
    worst: Callable[[Sequence[float]], float] = max


@dataclass(frozen=True)
class Axis:
    """The vertical axis, from `low` to `high`; `ticks` are values and their labels."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    is_log: bool = False

    def pixel(self, value: float) -> float:
        """Where a value is; what is beyond the axis is at its end."""
        value = min(self.high, max(self.low, value))
        if self.is_log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return TOP + INNER_HEIGHT * (1 - share)


@dataclass(frozen=True)
class Plot:
    """A chart: `moments` are seconds since the start, as are the marks, which are numbered from 1."""

    title: str
    told: str
    moments: Sequence[float]
    lines: tuple[Line, ...]
    axis: Axis
    end_seconds: float
    marks: tuple[float, ...] = ()


def draw(plot: Plot) -> str:
    """The chart as an SVG document."""
    parts = [
        *_ground(plot),
        *_grid(plot.axis),
        *_times(plot),
        *(_mark_line(_x(plot, seconds)) for seconds in plot.marks),
        *(_line(plot, line) for line in plot.lines),
        *_mark_numbers(plot),
    ]
    return "\n".join([*parts, "</svg>", ""])


def clock(seconds: float) -> str:
    """Seconds since the start as "1:05"; what came before it has a minus."""
    whole = round(seconds)
    return f"{'-' if whole < 0 else ''}{minutes_words(abs(whole))}"


def _ground(plot: Plot) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'role="img" font-family="system-ui, -apple-system, \'Segoe UI\', Helvetica, Arial, sans-serif" font-size="13">'
    )
    yield f"<title>{escape(plot.title)}</title>"
    yield f"<desc>{escape(plot.told)}</desc>"
    yield f'<rect x=".5" y=".5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="6" fill="{GROUND}" stroke="{GRID}"/>'
    yield f'<text x="14" y="24" fill="{TEXT}" font-size="16" font-weight="600">{escape(plot.title)}</text>'
    right = float(WIDTH - RIGHT)
    for line in reversed(plot.lines):
        yield f'<text x="{right:.0f}" y="24" fill="{TEXT}" text-anchor="end">{escape(line.label)}</text>'
        right -= max(SHORT, len(line.label)) * LETTER + 8
        yield f'<path d="M{right - 28:.0f} 20h28" {_stroke(line)}/>'
        right -= 44


def _grid(axis: Axis) -> Iterator[str]:
    for value, label in axis.ticks:
        y = axis.pixel(value)
        yield f'<path d="M{LEFT} {y:.1f}h{INNER_WIDTH}" stroke="{GRID}"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4.5:.1f}" fill="{SOFT}" text-anchor="end">{escape(label)}</text>'


def _times(plot: Plot) -> Iterator[str]:
    step = next((step for step in TIME_STEPS if plot.end_seconds / step <= TIME_LABELS), TIME_STEPS[-1])
    for seconds in range(0, int(plot.end_seconds) + 1, step):
        x, y = _x(plot, seconds), TOP + INNER_HEIGHT
        yield f'<path d="M{x:.1f} {y}v5" stroke="{SOFT}"/>'
        yield f'<text x="{x:.1f}" y="{y + 20}" fill="{SOFT}" text-anchor="middle">{clock(seconds)}</text>'


def _mark_line(x: float) -> str:
    return (
        f'<path d="M{x:.1f} {TOP - 6}v{INNER_HEIGHT + 6}" stroke="{SOFT}" stroke-width="1.5" stroke-dasharray="4 3"/>'
    )


def _mark_numbers(plot: Plot) -> Iterator[str]:
    """The number of each mark above its line; one that would hide the number before it goes above that."""
    before, is_above = -math.inf, False
    for number, seconds in enumerate(plot.marks, 1):
        x = _x(plot, seconds)
        is_above = x - before < LEAST_MARK_PIXELS and not is_above
        before = x
        y = TOP - (28 if is_above else 8)
        yield f'<circle cx="{x:.1f}" cy="{y}" r="9" fill="{TEXT}"/>'
        yield (
            f'<text x="{x:.1f}" y="{y + 4}" fill="{GROUND}" font-size="11" font-weight="700" text-anchor="middle">'
            f"{number}</text>"
        )


def _line(plot: Plot, line: Line) -> str:
    parts, last = [], -math.inf
    for seconds, value in _thinned(plot.moments, line):
        if value is None:
            last = -math.inf
            continue
        is_joined = seconds - last <= max(GAP_SECONDS, 2 * plot.end_seconds / MOST_POINTS)
        at = f"{_x(plot, seconds):.1f} {plot.axis.pixel(value):.1f}"
        parts.append(f"L{at}" if is_joined else f"M{at}h0")  # a point alone is a dot
        last = seconds
    return f'<path d="{"".join(parts)}" {_stroke(line)}/>' if parts else ""


def _thinned(moments: Sequence[float], line: Line) -> Iterator[tuple[float, float | None]]:
    """Each moment and its value; of many, the worst of those that share a place."""
    size = -(-len(moments) // MOST_POINTS) or 1
    for first in range(0, len(moments), size):
        known = [value for value in line.values[first : first + size] if value is not None]
        yield moments[first], line.worst(known) if known else None


def _stroke(line: Line) -> str:
    dashes = f' stroke-dasharray="{line.dashes}"' if line.dashes else ""
    return (
        f'fill="none" stroke="{line.colour}" stroke-width="2.5" stroke-linecap="round" stroke-linejoin="round"{dashes}'
    )


def _x(plot: Plot, seconds: float) -> float:
    return LEFT + INNER_WIDTH * min(1.0, max(0.0, seconds / max(1.0, plot.end_seconds)))
