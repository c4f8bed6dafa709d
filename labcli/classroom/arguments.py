"""The command line of `class`."""

from __future__ import annotations

import argparse
from typing import Protocol

from labcli.switching import typed

from . import board, commands, sheet

MAX_TEAMS = 200
ABOUTS = {
    "up": "start a lab for each team, and wait until all are ready",
    "down": "end all of them",
    "board": "serve one page that shows how every team is, until Ctrl-C",
    "sheet": "write a page to print: each team's links, token and QR code",
    "scene": "start a scene in every lab",
    "drill": "start a drill in every lab, the same one for all",
    "reset": "reset every lab",
}
RUN = {
    "up": commands.up,
    "down": commands.down,
    "board": board.board,
    "sheet": sheet.sheet,
    "scene": commands.scene,
    "drill": commands.drill,
    "reset": commands.reset,
}


class Adder(Protocol):
    """What adds a command to a parser."""

    def add(self, name: str, run: commands.Command, about: str) -> argparse.ArgumentParser:
        """A command; `about` is its line in the list."""


def add_class(inner: Adder) -> None:
    """Every command of `class`, with its options."""
    parsers = {name: inner.add(name, RUN[name], about) for name, about in ABOUTS.items()}
    up = parsers["up"]
    up.add_argument("--teams", type=_teams, required=True, metavar="N", help=f"how many, at most {MAX_TEAMS}")
    where = "in namespaces of the cluster that kubectl talks to, instead of in this machine's Docker"
    up.add_argument("--kubernetes", dest="in_cluster", action="store_true", help=where)
    domain_help = "browsers find each lab under TEAM.DOMAIN, through the cluster's Ingress"
    up.add_argument("--domain", default="", metavar="DOMAIN", help=domain_help)
    values_help = "the chart's values, such as those that say where the images are; may be given again"
    up.add_argument("--values", action="append", default=[], metavar="FILE", help=values_help)
    up.add_argument("--no-build", action="store_true", help="with published images: LAB_IMAGES and LAB_TAG say which")
    port_help = "where, on 127.0.0.1 (default %(default)s)"
    parsers["board"].add_argument("--port", type=_port, default=board.PORT, metavar="PORT", help=port_help)
    parsers["sheet"].add_argument("--output", metavar="FILE", help="where to (default .lab/class-sheet.html)")
    parsers["scene"].add_argument("name", metavar="NAME", help="the scene")
    drill = parsers["drill"]
    drill.add_argument("--level", type=typed, metavar="LEVEL", help="how hard it is")
    drill.add_argument("--seed", type=_seed, metavar="N", help="the same seed is the same fault (default: a new one)")
    drill.add_argument("--end", action="store_true", help="end it instead")
    for name in ("scene", "drill", "reset"):
        parsers[name].add_argument("--team", type=_teams, metavar="N", help="of this team alone")


def _teams(text: str) -> int:
    """A team's number, or how many there are."""
    return _number(text, MAX_TEAMS)


def _port(text: str) -> int:
    """A port to listen on."""
    return _number(text, 65535)


def _seed(text: str) -> int:
    """A seed."""
    return _number(text, commands.MAX_SEED)


def _number(text: str, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= most):
        raise argparse.ArgumentTypeError(f"{text!r}: must be a whole number from 1 to {most}")
    return int(text)
