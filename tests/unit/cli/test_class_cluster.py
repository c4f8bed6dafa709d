"""The commands `class` in a cluster, with stand-ins for `kubectl` and `helm`."""

from __future__ import annotations

import json
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Lab, Room
from tests.unit.cli.test_kubernetes import Cluster, cluster

__all__ = ["cluster"]
HELM = """\
import json, os, pathlib, sys
folder = pathlib.Path(os.environ["FAKE_HELM"])
words = sys.argv[1:]
namespace = words[words.index("--namespace") + 1]
(folder / f"{namespace}.json").write_text(json.dumps({"words": words, "stdin": json.load(sys.stdin)}))
sys.exit("cannot be installed" if namespace == os.environ.get("FAKE_HELM_FAILS") else 0)
"""


class Helm:
    """What it was asked to install."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def installed(self, namespace: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / f"{namespace}.json").read_text())
        return found


@pytest.fixture
def helm(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Helm:
    folder = cluster.path.parent
    (folder / "helm.py").write_text(HELM)
    (folder / "helm").write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {folder / "helm.py"} "$@"\n')
    (folder / "helm").chmod(0o755)
    monkeypatch.setenv("FAKE_HELM", str(folder))
    return Helm(folder)


def labels(cluster: Cluster, namespace: str) -> dict[str, str]:
    found: dict[str, str] = cluster.state["namespaces"][namespace]["metadata"]["labels"]
    return found


def test_each_team_gets_a_restricted_namespace_and_a_release(
    repo: Path, cluster: Cluster, helm: Helm, lab: Lab
) -> None:
    done = lab("class", "up", "--teams", "2", "--kubernetes", "--values", "images.yaml")
    assert done.code == 0
    assert labels(cluster, "team-2")["pod-security.kubernetes.io/enforce"] == "restricted"
    words = helm.installed("team-2")["words"]
    files = [Path(word).name for before, word in pairwise(words) if before == "--values"]
    assert words[:3] == ["upgrade", "--install", "lab"]
    assert files == ["class-values.yaml", "images.yaml", "-"]  # what comes later counts more
    assert "ingress" not in helm.installed("team-2")["stdin"]
    assert "open --kubernetes team-1" in done.out


def test_with_a_domain_each_team_has_an_address_and_a_token_that_no_process_list_shows(
    repo: Path, helm: Helm, lab: Lab
) -> None:
    done = lab("class", "up", "--teams", "2", "--kubernetes", "--domain", "class.example.com")
    assert done.code == 0 and "http://team-1.class.example.com" in done.out
    first, second = (helm.installed(f"team-{number}") for number in (1, 2))
    assert first["stdin"]["ingress"] == {"enabled": True, "host": "team-1.class.example.com"}
    assert len(first["stdin"]["token"]) >= 8 and first["stdin"]["token"] != second["stdin"]["token"]
    assert first["stdin"]["token"] not in " ".join(first["words"])


def test_a_release_that_fails_holds_up_no_other(
    repo: Path, helm: Helm, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_HELM_FAILS", "team-1")
    done = lab("class", "up", "--teams", "2", "--kubernetes")
    assert done.code == 1
    assert "team-1    FAILED  helm failed: cannot be installed" in done.out and "1 of 2 labs are up" in done.out


def test_a_scene_finds_its_way_into_the_namespace(
    repo: Path, room: Room, cluster: Cluster, helm: Helm, lab: Lab
) -> None:
    assert lab("class", "up", "--teams", "1", "--kubernetes").code == 0
    assert lab("class", "scene", "slow_query").code == 0
    assert room.posted() == [("/api/scenes/slow_query", {"narrate": False})]
    (asked,) = cluster.asked("port-forward")
    assert asked[1] == "team-1"


def test_with_an_address_no_way_is_opened(repo: Path, room: Room, cluster: Cluster, lab: Lab) -> None:
    team = {"name": "team-1", "number": 1, "namespace": "team-1", "url": room.url, "token": "the-teams-own"}
    (repo / ".lab").mkdir()
    (repo / ".lab" / "class.json").write_text(json.dumps({"teams": [team]}))
    assert lab("class", "scene", "slow_query").code == 0
    assert room.seen[-1].headers["Authorization"] == "Bearer the-teams-own"
    assert not cluster.log.exists()


def test_a_namespace_that_no_class_made_is_left_alone(repo: Path, cluster: Cluster, helm: Helm, lab: Lab) -> None:
    cluster.change(namespaces={"team-1": {"metadata": {"name": "team-1", "labels": {}}}})
    done = lab("class", "up", "--teams", "2", "--kubernetes")
    assert done.code == 1 and "no class made it" in done.out
    assert not (helm.folder / "team-1.json").exists()
    assert lab("class", "down").code == 1
    assert set(cluster.state["namespaces"]) == {"team-1"}


def test_down_deletes_the_namespaces(repo: Path, cluster: Cluster, helm: Helm, lab: Lab) -> None:
    assert lab("class", "up", "--teams", "2", "--kubernetes").code == 0
    assert "in a cluster already" in lab("class", "up", "--teams", "3").err
    assert lab("class", "down").code == 0
    assert cluster.state["namespaces"] == {}
