"""Runs one command, and turns what goes wrong into a sentence and an exit code."""

from __future__ import annotations

import os
import sys
from argparse import Namespace

from .api import ControlRoom
from .arguments import parse
from .config import Config
from .console import Console
from .context import Context
from .errors import LabError
from .kubernetes import way_to

INTERRUPTED = 130


def main(argv: list[str] | None = None) -> int:
    """Run the command line; the exit code."""
    args = parse(argv)
    console = Console(os.environ, as_json=args.json)
    try:
        return _run(args, console)
    except BrokenPipeError:
        # Whoever read our output has enough of it, as in `lab events | head`; Python must not flush into it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(args: Namespace, console: Console) -> int:
    try:
        config = Config.load(args.port_offset, os.environ, project=args.project, namespace=args.kubernetes)
        with way_to(config) as url:
            code: int = args.run(Context(config, ControlRoom(config, url), console), args)
        return code
    except LabError as error:
        console.error(error)
        return error.exit_code
    except KeyboardInterrupt:
        console.note("interrupted")
        return INTERRUPTED
