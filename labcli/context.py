"""What every command is given."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from .api import ControlRoom
from .config import Config
from .console import Console


@dataclass(frozen=True)
class Context:
    """The lab that is meant, a way to talk to it, and a way to talk to the person; clock and sleep for tests."""

    config: Config
    room: ControlRoom
    console: Console
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
