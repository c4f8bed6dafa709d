"""The command `report`: the post-mortem of what was played, printed, or written with its charts as files beside it."""

from __future__ import annotations

import re
from argparse import Namespace
from base64 import b64decode

from .context import Context
from .errors import LabError

PATH = "/api/report"
REPORT_SECONDS = 15.0
FILE_NAME = "report.md"
# A chart in the document: its words, whose first one is the name of its file, and the SVG itself.
CHART = re.compile(r"!\[((\w+)[^\]\n]*)\]\(data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)\)")


def report(ctx: Context, args: Namespace) -> int:
    """Print the report, or write it and its charts into a folder."""
    text = ctx.room.get_text(PATH, REPORT_SECONDS)
    if args.output is None:
        ctx.console.answer({"report": text}, text.rstrip("\n"))
        return 0
    files = {FILE_NAME: text_apart(text), **charts_of(text)}
    try:
        args.output.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (args.output / name).write_text(content, encoding="utf-8")
    except OSError as error:
        raise LabError(f"the report cannot be written: {error}", "choose another folder: --output DIR") from error
    paths = [str(args.output / name) for name in files]
    ctx.console.answer({"files": paths}, "\n".join(paths))
    return 0


def text_apart(text: str) -> str:
    """The document with its charts as links to the files beside it."""
    return CHART.sub(lambda match: f"![{match[1]}]({_name(match)})", text)


def charts_of(text: str) -> dict[str, str]:
    """The charts of a document by the names of their files."""
    return {_name(match): b64decode(match[3]).decode() for match in CHART.finditer(text)}


def _name(match: re.Match[str]) -> str:
    return f"{match[2].lower()}.svg"
