"""The tables of docs/patterns/: each scene's numbers as expected, predicted and measured.

    python -m benchmarks.patterns_table play     every scene three times on the lab that runs; results that exist stay
    python -m benchmarks.patterns_table write    each scene's table, from those results
    python -m benchmarks.patterns_table write --scene NAME    the table of this scene alone; the others stay

`play` keeps what `./scripts/lab scene NAME --verify --json` says as test-results/patterns/NAME-N.json. The lab is the
one that ./scripts/lab means, so LAB_URL and the ports' variables hold. On which page a scene is, and why its numbers
differ, is in docs/patterns.toml.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

from services.common.scenes.files import all_scenes
from services.common.scenes.model import Scene
from simulation.prediction import in_words, predict

ROOT = Path(__file__).resolve().parents[1]
LAB = ROOT / "scripts" / "lab"
RESULTS = ROOT / "test-results" / "patterns"
REMARKS = ROOT / "docs" / "patterns.toml"
PAGES = ROOT / "docs" / "patterns"
SEEDS = range(1, 21)
USUAL_TIMES = 3


def play(names: list[str], times: int, results: Path) -> int:
    """Play each scene so many times, and keep what it measured; 1, at once, if a run could not be judged."""
    results.mkdir(parents=True, exist_ok=True)
    wanted = [(name, number) for number in range(1, times + 1) for name in names]
    left = [(name, number) for name, number in wanted if not _path(results, name, number).exists()]
    seconds = sum(all_scenes()[name].duration_seconds for name, _ in left)
    print(f"{len(left)} of {len(wanted)} runs to play, about {seconds / 60:.0f} minutes", flush=True)
    for done, (name, number) in enumerate(left, start=1):
        began = time.monotonic()
        ran = subprocess.run([LAB, "scene", name, "--verify", "--json"], stdout=subprocess.PIPE, text=True, check=False)
        document = json.loads(ran.stdout or "{}")
        if "checks" not in document:
            print(f"{done}/{len(left)}  {name} {number}: could not be judged; the same command goes on from here")
            return 1
        _path(results, name, number).write_text(json.dumps(document, indent=1) + "\n")
        word = "as expected" if document["verified"] else "NOT as expected"
        print(f"{done}/{len(left)}  {name} {number}: {word}, {time.monotonic() - began:.0f} s", flush=True)
    return 0


def _path(results: Path, name: str, number: int) -> Path:
    return results / f"{name}-{number}.json"


def measured(scene: Scene, results: Path) -> list[list[dict[str, Any]]]:
    """The checks of each run of a scene that was kept; those of another version of the scene are left out."""
    runs = [json.loads(path.read_text())["checks"] for path in sorted(results.glob(f"{scene.name}-[0-9]*.json"))]
    texts = [entry.text for entry in scene.expect]
    return [checks for checks in runs if [check["text"] for check in checks] == texts]


def table(scene: Scene, results: Path, why: dict[str, str]) -> str:
    """The scene's table, as Markdown; `why` is keyed by the text of the expectation."""
    runs = measured(scene, results)
    head = ["number", "expected", "predicted", "measured", "why they differ"]
    rows = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for number, entry in enumerate(predict(scene, SEEDS, {})):
        expectation = entry.expectation
        cells = [
            expectation.text,
            expectation.expected(),
            "not modelled" if entry.not_modelled else _cell(in_words(expectation, entry.values)),
            _cell(in_words(expectation, [checks[number]["value"] for checks in runs])),
            why.get(expectation.text, ""),
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join([*rows, "", f"Medians, with least and most. Runs: simulated {len(SEEDS)}, real {len(runs)}."])


def _cell(words: tuple[str, str]) -> str:
    middle, span = words
    return middle if middle == span else f"{middle} ({span})"


def write(names: list[str], results: Path) -> int:
    """Put the tables of these scenes into their pages; 1, and nothing is written, without results."""
    scenes = all_scenes()
    unplayed = [name for name in names if not measured(scenes[name], results)]
    if unplayed:
        print(f"no results of {', '.join(unplayed)}: play them first, or write the tables of others with --scene NAME")
        return 1
    remarks = tomllib.loads(REMARKS.read_text())
    for name in names:
        page = PAGES / f"{remarks[name]['group']}.md"
        page.write_text(with_table(page.read_text(), name, table(scenes[name], results, remarks[name].get("why", {}))))
    return 0


def marked(name: str) -> re.Pattern[str]:
    """The place of a scene's table in its page."""
    return re.compile(rf"(<!-- table {name} -->\n)(.*?)(<!-- /table -->)", re.DOTALL)


def with_table(page: str, name: str, made: str) -> str:
    """The page with this table of a scene."""
    page, found = marked(name).subn(lambda match: f"{match[1]}{made}\n{match[3]}", page)
    if found != 1:
        raise ValueError(f"the page has {found} places for the table of {name}, not one")
    return page


def main() -> int:
    """Read the command line."""
    about, usage = str(__doc__).split("\n\n", 1)
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.patterns_table",
        description=about,
        epilog=usage,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("action", choices=["play", "write"])
    parser.add_argument("--times", type=int, default=USUAL_TIMES, metavar="N", help="runs of each scene (default 3)")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FOLDER", help="where the results are kept")
    parser.add_argument("--scene", action="append", choices=list(all_scenes()), metavar="NAME", help="this scene alone")
    args = parser.parse_args()
    names = args.scene or list(all_scenes())
    if args.action == "write":
        return write(names, args.results)
    return play(names, args.times, args.results)


if __name__ == "__main__":
    sys.exit(main())
