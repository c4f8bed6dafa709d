"""How big the images are: each above the base image that all of them share with the rest of the machine."""

from __future__ import annotations

import json
import subprocess

from benchmarks.containers import LAB
from benchmarks.labs import PYTHON_SERVICES
from services.common.topology import API

MB = 1_000_000  # as Docker shows sizes


def _docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout


def _size(image: str) -> int:
    return int(_docker("image", "inspect", "--format", "{{.Size}}", image))


def _own_layers(image: str, base: str) -> dict[str, int]:
    """Bytes of each layer above the base, by the instruction that made it."""
    history = _docker("history", "--no-trunc", "--human=false", "--format", "{{.Size}}\t{{.CreatedBy}}", image)
    lines = history.splitlines()[: -len(_docker("history", "--format", "{{.ID}}", base).splitlines())]
    return {made_by: int(size) for size, made_by in (line.split("\t", 1) for line in lines)}


def report() -> None:
    """Print what was found."""
    LAB.build()
    services = json.loads(LAB.compose("config", "--format", "json"))["services"]
    base = services[API.instances[0].name]["build"]["args"]["PYTHON_IMAGE"]
    layers = {service: _own_layers(services[service]["image"], base) for service in PYTHON_SERVICES}
    print("\n| image | size | above the base |\n|---|---|---|")
    print(f"| {base} | {_size(base) / MB:.0f} MB | |")
    for service in PYTHON_SERVICES:
        above = sum(layers[service].values())
        print(f"| {service} | {_size(services[service]['image']) / MB:.0f} MB | {above / MB:.1f} MB |")
    together = {made_by: size for found in layers.values() for made_by, size in found.items()}
    print(f"| the five together, shared layers once | | {sum(together.values()) / MB:.1f} MB |")
