"""The command `class sheet`: a page to print and cut up, with each team's links, token and QR code."""

from __future__ import annotations

import base64
import html
from argparse import Namespace
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from labcli.api import ControlRoom
from labcli.context import Context
from labcli.errors import LabError
from labcli.kubernetes import way_to

from .roster import Team, chosen_teams, write_private

STYLE = """
@page { margin: 12mm }
body { font: 12pt/1.4 "Inter", "Segoe UI", system-ui, sans-serif; color: #000; background: #fff; margin: 0 }
main { display: grid; grid-template-columns: 1fr 1fr; gap: 6mm }
section { border: 1px dashed #555; padding: 6mm; break-inside: avoid }
h1 { font-size: 20pt; margin: 0 0 3mm }
dl { margin: 0 } dt { font-size: 9pt; color: #444 } dd { margin: 0 0 2mm; overflow-wrap: anywhere }
code { font: 13pt ui-monospace, monospace }
img { width: 38mm; height: 38mm; float: right; margin: 0 0 2mm 4mm }
"""


def sheet(ctx: Context, args: Namespace) -> int:
    """Write the page; the codes come from the labs themselves."""
    teams = chosen_teams(ctx.config, None)
    with ThreadPoolExecutor(len(teams)) as pool:
        codes = list(pool.map(lambda team: _code(ctx, team), teams))
    path = Path(args.output) if args.output else ctx.config.lab_folder / "class-sheet.html"
    try:
        write_private(path, page(list(zip(teams, codes, strict=True))))
    except OSError as error:
        raise LabError(f"{path} cannot be written: {error.strerror}") from None
    for why in sorted({why for _, why in codes if why}):
        without = ", ".join(team.name for team, code in zip(teams, codes, strict=True) if code[1] == why)
        ctx.console.note(f"no QR code for {without}: {why}")
    document = {"path": str(path), "codes": sum(1 for svg, _ in codes if svg)}
    ctx.console.answer(document, f"written: {path}  (open it in a browser, and print it)")
    return 0


def _code(ctx: Context, team: Team) -> tuple[str, str]:
    """The code of the link for phones, as SVG, or why there is none."""
    config = team.config(ctx.config)
    try:
        with way_to(config) as url:
            host = urlsplit(team.url).netloc
            return ControlRoom(config, url).text("/qr.svg", host), ""
    except LabError as error:
        return "", error.message


def page(teams: list[tuple[Team, tuple[str, str]]]) -> str:
    """The whole page."""
    sections = "\n".join(_section(team, svg) for team, (svg, _) in teams)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>SRE failure lab: the class</title>'
        f"<style>{STYLE}</style></head><body><main>\n{sections}\n</main></body></html>\n"
    )


def _section(team: Team, svg: str) -> str:
    """One team's part."""
    facts = [("The lab, to break and mend", team.url or "ask the trainer")]
    if team.token:  # as a lab has that others can reach
        facts.append(("Token, asked for at the first change", team.token))
        facts.append(("On a phone, to watch and vote", f"{team.url}/view"))
    rows = "".join(f"<dt>{html.escape(name)}</dt><dd><code>{html.escape(value)}</code></dd>" for name, value in facts)
    source = base64.b64encode(svg.encode()).decode()
    code = (
        f'<img alt="QR code of {html.escape(team.url)}/view" src="data:image/svg+xml;base64,{source}">' if svg else ""
    )
    return f"<section><h1>{html.escape(team.name)}</h1>{code}<dl>{rows}</dl></section>"
