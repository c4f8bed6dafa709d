"""Text in a Markdown document: what people have typed stays text, and neither Markdown nor HTML is made of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
SPECIAL = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])")  # an underscore inside a word means nothing
AT_START = re.compile(r"^([#=]|[+-](?=[\s+-]|$)|\d+(?=[.)](?:\s|$)))")  # a heading, a list or a line
LINKED = re.compile(r"://|www(?=\.)", re.IGNORECASE)  # what GitHub makes a link by itself
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")  # lines, and turned writing


def escaped(text: str) -> str:
    """One line that shows this text as it is, wherever it stands: in a paragraph, a heading, a list or a table."""
    line = " ".join(UNPRINTABLE.sub(" ", text).split())
    line = "".join(ENTITIES.get(letter, letter) for letter in line)
    line = SPECIAL.sub(lambda match: "\\" + match[0], line)
    line = LINKED.sub(lambda match: f"&#{ord(match[0][0])};{match[0][1:]}", line)
    return AT_START.sub(lambda match: f"&#{ord(match[0][0])};{match[0][1:]}", line)


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """A table's lines; its cells are Markdown."""
    return [_row(header), "|" + "---|" * len(header), *map(_row, rows)]


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
