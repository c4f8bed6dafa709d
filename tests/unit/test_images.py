"""What ./scripts/images would build; nothing is built here."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from services.common.topology import SERVICES

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def targets():
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "buildx", "version"], capture_output=True, check=False).returncode != 0
    ):
        pytest.skip("there is no docker buildx")
    done = subprocess.run([ROOT / "scripts" / "images", "--print"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["target"]


def test_there_is_an_image_for_each_service_and_both_processors(targets):
    assert set(targets) == {spec.name for spec in SERVICES}
    for name, target in targets.items():
        assert target["platforms"] == ["linux/amd64", "linux/arm64"]
        assert target["args"].get("SERVICE", target["target"]) == name
        assert {attest["type"] for attest in target["attest"]} == {"sbom", "provenance"}


def test_tag_and_labels_are_the_commits(targets):
    def git(*words):
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    for name, target in targets.items():
        tag = git("describe", "--tags", "--always", "--dirty")
        assert target["tags"] == [f"sre-failure-lab/{name}:{tag}"]
        labels = {key.removeprefix("org.opencontainers.image."): value for key, value in target["labels"].items()}
        assert (labels["version"], labels["revision"]) == (tag, git("rev-parse", "HEAD"))
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", labels["created"])


def test_the_base_image_is_composes(targets):
    for target in targets.values():
        assert f"PYTHON_IMAGE={target['args']['PYTHON_IMAGE']}\n" in (ROOT / ".env").read_text()
