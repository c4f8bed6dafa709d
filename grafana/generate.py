"""Writes grafana/dashboards/*.json: python -m grafana.generate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from grafana.boards.cascade import cascade
from grafana.boards.control_room import control_room
from grafana.boards.overview import overview
from grafana.boards.service import service
from grafana.boards.slo import slo

FOLDER = Path(__file__).parent / "dashboards"


def dashboards() -> dict[str, dict[str, Any]]:
    """Every dashboard, by the name of its file."""
    made = (overview(), cascade(), service(), slo(), control_room())
    return {f"{board['uid'].removeprefix('lab-')}.json": board for board in made}


def rendered(board: dict[str, Any]) -> str:
    """A dashboard as the text of its file."""
    return json.dumps(board, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write every dashboard, and remove files that are none any more."""
    boards = dashboards()
    for path in FOLDER.glob("*.json"):
        if path.name not in boards:
            path.unlink()
    for name, board in boards.items():
        (FOLDER / name).write_text(rendered(board), encoding="utf-8")


if __name__ == "__main__":
    main()
