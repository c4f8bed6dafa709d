"""What is on record of `infra`: to which services something was done that is not yet undone. Nobody is asked for it."""

from __future__ import annotations

import json
from pathlib import Path

from .config import Config
from .plan import Folder


def infra_record(config: Config) -> Path:
    """The file that remembers what `infra` did to this lab's containers."""
    return config.lab_folder / f"infra-{config.project}.json"


def touched(config: Config) -> set[str]:
    """The services, of containers or of processes; none of a lab on another machine."""
    if config.is_elsewhere:
        return set()
    folder = Folder.of(config)
    left = {path.name for kind in ("hold", "paused") for path in (folder.path / kind).glob("*")}
    try:
        return left | set(json.loads(infra_record(config).read_text()))
    except (FileNotFoundError, ValueError):
        return left
