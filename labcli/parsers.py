"""What the command line is made of: a parser that guesses what was meant, help with examples, commands in a list."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from .context import Context
from .examples import EXAMPLES
from .names import Names

HIDDEN = ("complete",)  # what completion asks, and nobody types

Command = Callable[[Context, argparse.Namespace], int]


class Parser(argparse.ArgumentParser):
    """Says what may have been meant with a word that is none of the choices."""

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        what = "command" if isinstance(action, argparse._SubParsersAction) else str(action.dest)
        shown = [str(choice) for choice in action.choices if choice not in HIDDEN]
        names = Names.of_this_checkout() if what == "command" else Names({}, ())
        guesses = names.guesses(str(value), shown, f"{what}s")
        raise argparse.ArgumentError(None, "\n  ".join([f"there is no {what} {value!r}; {guesses[0]}", *guesses[1:]]))


class Help(argparse.RawDescriptionHelpFormatter):
    """Help with its lines as examples.py has them."""


class Commands:
    """Adds commands to a parser, each with the common options and its examples."""

    def __init__(self, parser: argparse.ArgumentParser, common: argparse.ArgumentParser, prefix: str = "") -> None:
        self._common = common
        self._prefix = prefix
        self._added = parser.add_subparsers(title="commands", metavar="COMMAND", required=bool(prefix))

    def add(self, name: str, run: Command | None, about: str) -> argparse.ArgumentParser:
        """A command; `about` is its line in the list, and the first of its own help."""
        named: dict[str, Any] = {"help": about} if about else {}  # one without is in no list
        parser = self._added.add_parser(
            name,
            **named,
            description=f"{about[:1].upper()}{about[1:]}.",
            epilog=EXAMPLES.get(self._prefix + name, f"example:\n  ./scripts/lab {self._prefix}{name} api"),
            formatter_class=Help,
            parents=[self._common],
            allow_abbrev=False,
        )
        if run is not None:
            parser.set_defaults(run=run)
        return parser
