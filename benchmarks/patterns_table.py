"""The table of docs/patterns.md: each scene's numbers as expected, predicted, measured, and in the literature.

    python -m benchmarks.patterns_table play     every scene three times on the lab that runs; results that exist stay
    python -m benchmarks.patterns_table write    the table, from those results
    python -m benchmarks.patterns_table write --scene NAME    the rows of this scene alone; the others stay

`play` keeps what `./scripts/lab scene NAME --verify --json` says as test-results/patterns/NAME-N.json. The lab is the
one that ./scripts/lab means, so LAB_URL and the ports' variables hold. Literature and the reasons why the numbers
differ are in docs/patterns.toml.
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
DOCUMENT = ROOT / "docs" / "patterns.md"
MARKED = re.compile(r"(<!-- table -->\n).*?(\n<!-- /table -->)", re.DOTALL)
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


def rows_of(scene: Scene, results: Path, remarks: dict[str, Any]) -> list[str]:
    """The scene's rows."""
    runs = measured(scene, results)
    rows = []
    for number, entry in enumerate(predict(scene, SEEDS, {})):
        expectation = entry.expectation
        cells = [
            f"`{scene.name}`" if number == 0 else "",
            expectation.text,
            expectation.expected(),
            "not modelled" if entry.not_modelled else _cell(in_words(expectation, entry.values)),
            _cell(in_words(expectation, [checks[number]["value"] for checks in runs])),
            remarks.get("literature", "") if number == 0 else "",
            remarks.get("why", {}).get(expectation.text, ""),
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def _cell(words: tuple[str, str]) -> str:
    middle, span = words
    return middle if middle == span else f"{middle} ({span})"


def table(results: Path) -> str:
    """The whole table, as Markdown."""
    remarks = tomllib.loads(REMARKS.read_text())
    scenes = all_scenes()
    head = ["scene", "number", "expected", "predicted", "measured", "literature", "why they differ"]
    rows = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for scene in scenes.values():
        rows += rows_of(scene, results, remarks.get(scene.name, {}))
    counts = sorted({len(measured(scene, results)) for scene in scenes.values()})
    runs = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    legend = f"Medians, with least and most. Runs of each scene: simulated {len(SEEDS)}, real {runs}."
    return "\n".join([*rows, "", legend])


def write(names: list[str], results: Path) -> int:
    """Put the table, or the rows of some scenes, into the document; 1, and nothing is written, without results."""
    scenes = all_scenes()
    unplayed = [name for name in names if not measured(scenes[name], results)]
    if unplayed:
        print(f"no results of {', '.join(unplayed)}: play them first, or write the rows of others with --scene NAME")
        return 1
    text = DOCUMENT.read_text()
    found = len(MARKED.findall(text))
    if found != 1:
        raise ValueError(f"{DOCUMENT.name} has {found} places for the table, not one")
    if names == list(scenes):
        text = MARKED.sub(lambda match: f"{match[1]}{table(results)}{match[2]}", text)
    else:
        remarks = tomllib.loads(REMARKS.read_text())
        for name in names:
            text = with_rows(text, name, rows_of(scenes[name], results, remarks.get(name, {})))
    DOCUMENT.write_text(text)
    return 0


def with_rows(text: str, name: str, rows: list[str]) -> str:
    """The document with these rows for a scene: in the place of those that it has, or else below all others."""
    made = "".join(f"{row}\n" for row in rows)
    text, found = re.subn(rf"^\| `{name}` \|.*\n(\|  \|.*\n)*", lambda _: made, text, flags=re.MULTILINE)
    return text if found else MARKED.sub(lambda match: match[0].replace("|\n\n", f"|\n{made}\n", 1), text)


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
