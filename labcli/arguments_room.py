"""The command line of what the room does: bets, reports, drills and workshops."""

from __future__ import annotations

import argparse
from pathlib import Path

from . import bets, drill, values
from . import report as reports
from . import workshop as workshops
from .parsers import Commands


def add_room(commands: Commands) -> None:
    """bet, report."""
    bet = commands.add("bet", bets.bet, "list the bets, or let the room vote on one")
    bet.add_argument("action", nargs="?", choices=bets.ACTIONS, metavar="open|close|reveal")
    bet.add_argument("scene", metavar="SCENE", nargs="?")
    bet.add_argument("key", metavar="KEY", nargs="?", help="which of the scene's bets (default: the next one)")
    report = commands.add("report", reports.report, "write the post-mortem of what was played, with its charts")
    _add_output(report)


def _add_output(parser: argparse.ArgumentParser) -> None:
    """--output, of a report."""
    output_help = "write report.md and the charts as .svg files into this folder, instead of printing"
    parser.add_argument("--output", metavar="DIR", type=Path, help=output_help)


def add_drill(commands: Commands, common: argparse.ArgumentParser) -> None:
    """drill, with a command of its own for each action."""
    parser = commands.add("drill", None, "game day: a hidden fault, for the room to find and to mend")
    inner = Commands(parser, common, prefix="drill ")
    start = inner.add("start", drill.start, "reset the lab, and hide a fault that strikes after a while")
    start.add_argument(
        "--level", type=int, choices=(1, 2, 3), help="1 one fault, 2 one instance or a setting, 3 subtle"
    )
    start.add_argument("--seed", type=values.count, metavar="N", help="the same seed draws the same card")
    inner.add("status", drill.status, "what everybody may know of the drill, and the board")
    inner.add("show", drill.show, "its secret, on the lab's own machine or with its token")
    board = inner.add("board", drill.board, "show what the teams do as it comes, freeze it, or hide it")
    board.add_argument("board", choices=("open", "frozen", "hidden"), metavar="open|frozen|hidden")
    incident = inner.add("incident", drill.answer, "say that something is wrong")
    diagnose = inner.add("diagnose", drill.answer, "say where it is, and what")
    diagnose.add_argument("service", metavar="SERVICE", help="a service, or one instance of it")
    diagnose.add_argument("switch", metavar="SWITCH", help="a failure or a setting of it")
    hint = inner.add("hint", drill.answer, "take a hint, which costs points")
    for added, kind in ((incident, "detected"), (diagnose, "diagnosis"), (hint, "hint")):
        added.set_defaults(kind=kind)
        added.add_argument("--team", default=drill.ROOM, metavar="NAME", help=f'who says it (default "{drill.ROOM}")')
    inner.add("end", drill.end, "end it, and tell what it was")
    _add_output(inner.add("report", reports.report, "its post-mortem, when it is over"))


def add_workshop(commands: Commands, common: argparse.ArgumentParser) -> None:
    """workshop, with a command of its own for each action."""
    parser = commands.add("workshop", None, "lead through a plan: scenes, bets, drills and what to say, by the clock")
    inner = Commands(parser, common, prefix="workshop ")
    inner.add("list", workshops.list_, "list the plans with their parts, and say which is on")
    run = inner.add("run", workshops.run, "lead through a plan, or go on with the one that is on")
    run.add_argument("name", metavar="NAME")
    run.add_argument(
        "--rehearse", action="store_true", help="play all of it at full speed, with simulated phones, and judge it"
    )
    phones_help = f"how many phones vote in the rehearsal (default {workshops.PHONES}, at most {workshops.MAX_PHONES})"
    run.add_argument("--phones", type=workshops.phone_count, default=workshops.PHONES, metavar="N", help=phones_help)
    inner.add("end", workshops.end, "end the plan that is on; the lab stays as it is")
