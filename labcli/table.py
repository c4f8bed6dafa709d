"""Rows as lines of aligned columns that fit a terminal: a cell that is too long goes on in the next line, indented."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

WIDTH = 100
SENTENCE = 10
GAP = INDENT = "  "
_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
_PIECE = re.compile(r"\x1b\[[0-9;]*m| +|[^ \x1b]+")
_PLAIN = "\x1b[0m"

Row = Sequence[str]


def table(rows: Sequence[Row], paint_header: Callable[[str, str], str] | None = None, width: int = WIDTH) -> list[str]:
    """Rows as lines; with `paint_header` the first row is the header."""
    if not rows:
        return []
    widths = column_widths(rows, width)
    first, *others = ([*row_lines(row, widths)] for row in rows)
    if paint_header:
        first = [paint_header(line, "dim") for line in first]
    return [*first, *(line for lines in others for line in lines)]


def column_widths(rows: Sequence[Row], width: int = WIDTH) -> list[int]:
    """How wide each column is: as its longest cell, or less where that is too much, but never below a word of it.

    The widest one gives way first; the last one, where sentences stand, counts as SENTENCE wider than it is.
    """
    columns = list(zip(*rows, strict=True))
    widths = [max(map(visible_length, column)) for column in columns]
    least = [max(map(_least_width, column)) for column in columns]
    last = len(widths) - 1
    while sum(widths) + len(GAP) * (len(widths) - 1) > width:
        able = [index for index in range(len(widths)) if widths[index] > least[index]]
        if not able:
            break
        widths[max(able, key=lambda index: widths[index] + SENTENCE * (index == last))] -= 1
    return widths


def row_lines(row: Row, widths: Sequence[int]) -> list[str]:
    """A row in columns of these widths: as many lines as its longest cell needs."""
    cells = [_wrapped(cell, width) for cell, width in zip(row, widths, strict=True)]
    height = max(map(len, cells))
    filled = [lines + [""] * (height - len(lines)) for lines in cells]
    return [GAP.join(map(_padded, line, widths)).rstrip() for line in zip(*filled, strict=True)]


def _least_width(text: str) -> int:
    """What the longest word needs, and its indent where it is not the first one."""
    return max([visible_length(word) + (len(INDENT) if at else 0) for at, word in enumerate(text.split())], default=0)


def _wrapped(text: str, width: int) -> list[str]:
    """The text in lines of this width, broken between words; a colour ends with its line, and goes on in the next."""
    lines, length, colour, blanks = [""], 0, "", ""
    for piece in _PIECE.findall(text):
        if piece[0] == "\x1b":
            colour = "" if piece == _PLAIN else piece
            lines[-1] += blanks + piece
            blanks = ""
        elif piece[0] == " ":
            blanks = piece
            length += len(piece)
        elif length + len(piece) > width and lines[-1].strip():
            lines[-1] += _PLAIN if colour else ""
            lines.append(INDENT + colour + piece)
            length, blanks = len(INDENT + piece), ""
        else:
            lines[-1] += blanks + piece
            length, blanks = length + len(piece), ""
    return lines


def visible_length(text: str) -> int:
    """How wide the text is on the screen."""
    return len(_ESCAPE.sub("", text))


def _padded(text: str, width: int) -> str:
    """The text with spaces after it; colours have no width."""
    return text + " " * (width - visible_length(text))
