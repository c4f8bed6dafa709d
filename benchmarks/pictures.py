"""Pictures of the stage, from real runs: three of each scene to look at, one for the documents, and the film of one.

    python -m benchmarks.pictures             every scene, on the lab that runs: test-results/pictures/
    python -m benchmarks.pictures documents   one of each for the documents: docs/images/stage-NAME.webp
    python -m benchmarks.pictures film        docs/images/retry-storm.webp, from before the trigger to long after it

LAB_URL says where the lab is. It needs playwright (which is in .venv), Chromium (on PATH, or
CHROMIUM says where) and Pillow: .venv/bin/pip install pillow.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from services.common.scenes.files import all_scenes
from services.common.scenes.model import Scene

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "test-results" / "pictures"
IMAGES = ROOT / "docs" / "images"
SIZES = {"1920x1080": (1920, 1080), "390x844": (390, 844)}
MOMENTS = 3
SETTLE_SECONDS = 3.0  # after a step, until its numbers are on the screen
LOAD_SECONDS = 7.0  # until a page shows the requests of this moment
SHOWN_SIZE = (1366, 768)
QUALITY = 72
FILM_SIZE = (960, 540)
FILM_STEP_SECONDS = 0.5
FILM_FRAME_MS = 120  # so a film runs about four times as fast
FILMED, FILM_SPAN = "retry_storm", (16.0, 62.0)  # from before the trigger to long after it


def moments_of(scene: Scene) -> list[float]:
    """Three moments, in seconds from the start, at which a scene has the most to show: just before it is measured."""
    measured = sorted({entry.at_seconds - 1 for entry in scene.expect if entry.at_seconds})
    found = [moment for moment in measured if moment > SETTLE_SECONDS]
    if len(found) < MOMENTS:
        found = [SETTLE_SECONDS + part * (scene.duration_seconds - SETTLE_SECONDS) for part in (0.1, 0.4, 0.8)]
    return [found[round(index * (len(found) - 1) / (MOMENTS - 1))] for index in range(MOMENTS)]


def look(browser: Any, url: str, scene: Scene) -> None:
    """Play a scene, and take its three pictures in each size."""
    pages = {name: _page(browser, url, size) for name, size in SIZES.items()}
    began = _start(url, scene)
    for number, moment in enumerate(moments_of(scene), 1):
        _wait_until(began + moment)
        for name, page in pages.items():
            page.screenshot(path=RESULTS / f"{scene.name}-{number}-{name}.png", full_page=name == "390x844")
    for page in pages.values():
        page.close()


def document(browser: Any, url: str, scene: Scene) -> None:
    """Play a scene up to the second of its moments, and put its picture among the documents."""
    from PIL import Image

    moment = _start(url, scene) + moments_of(scene)[1]
    _wait_until(moment - LOAD_SECONDS)
    page = _page(browser, url, SHOWN_SIZE)
    _wait_until(moment)
    with Image.open(io.BytesIO(page.screenshot())) as image:
        image.convert("RGB").save(IMAGES / f"stage-{scene.name}.webp", quality=QUALITY, method=6)
    page.close()


def film(browser: Any, url: str, scene: Scene) -> None:
    """Play a scene, and put a film of it among the documents."""
    page, (first, last) = _page(browser, url, SHOWN_SIZE), FILM_SPAN
    began = _start(url, scene)
    frames = []
    for number in range(round((last - first) / FILM_STEP_SECONDS)):
        _wait_until(began + first + number * FILM_STEP_SECONDS)
        frames.append(page.screenshot())
    page.close()
    write_film(frames, IMAGES / f"{scene.name.replace('_', '-')}.webp")


def _page(browser: Any, url: str, size: tuple[int, int]) -> Any:
    page = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme="dark")
    page.goto(f"{url}/stage")
    return page


def _wait_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


def _start(url: str, scene: Scene) -> float:
    """Start a scene; when it began, on time.monotonic()."""
    body = json.dumps({"narrate": False, "seed": 1}).encode()
    request = urllib.request.Request(f"{url}/api/scenes/{scene.name}", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        elapsed = json.load(answer)["elapsed_seconds"]
    return time.monotonic() - float(elapsed)


def write_film(frames: list[bytes], path: Path) -> None:
    """An animated WebP of these PNGs, for ever."""
    from PIL import Image

    images = [
        Image.open(io.BytesIO(frame)).convert("RGB").resize(FILM_SIZE, Image.Resampling.LANCZOS) for frame in frames
    ]
    images[0].save(
        path, save_all=True, append_images=images[1:], duration=FILM_FRAME_MS, loop=0, quality=QUALITY, method=4
    )


def main() -> int:
    """Read the command line."""
    about, usage = str(__doc__).split("\n\n", 1)
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.pictures",
        description=about,
        epilog=usage,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", nargs="?", choices=["look", "documents", "film"], default="look")
    parser.add_argument("--scene", action="append", choices=list(all_scenes()), metavar="NAME", help="this scene alone")
    args = parser.parse_args()
    names = [FILMED] if args.what == "film" else args.scene or list(all_scenes())
    take = {"look": look, "documents": document, "film": film}[args.what]
    from playwright.sync_api import sync_playwright

    RESULTS.mkdir(parents=True, exist_ok=True)
    url = os.environ.get("LAB_URL", "http://127.0.0.1:8080")
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name in names:
            take(browser, url, all_scenes()[name])
            print(name, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
