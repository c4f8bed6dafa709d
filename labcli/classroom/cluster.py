"""A team's lab in a namespace of a cluster: made by Helm, and gone with the namespace."""

from __future__ import annotations

import json
from collections.abc import Sequence

from labcli.config import REPO
from labcli.context import Context
from labcli.errors import LabError
from labcli.kubernetes import Kubectl
from labcli.shell import NOT_FOUND, capture

from .roster import Team

CHART = REPO / "kubernetes"
CLASS_VALUES = CHART / "class-values.yaml"
MADE = "sre-failure-lab/class"  # the label of the namespaces that a class made, and may delete
START_SECONDS = 300
STOP_SECONDS = 300.0


def team_of(name: str, number: int, token: str, domain: str) -> Team:
    """A new team, in the namespace of its name; browsers find it under its name in the domain, where there is one."""
    return Team(name, number, f"http://{name}.{domain}" if domain else "", token, namespace=name)


def start(ctx: Context, team: Team, values: Sequence[str]) -> None:
    """Make the namespace, install the chart in it, and wait until all of it is ready."""
    _claim(Kubectl(team.namespace))
    own: dict[str, object] = {"token": team.token}
    if team.url:
        own["ingress"] = {"enabled": True, "host": team.url.removeprefix("http://")}
    files = [word for path in (str(CLASS_VALUES), *values) for word in ("--values", path)]
    done = capture(
        ["helm", "upgrade", "--install", "lab", str(CHART), "--namespace", team.namespace, *files, "--values", "-",
         "--wait", "--timeout", f"{START_SECONDS}s"],
        timeout=START_SECONDS + 60, stdin=json.dumps(own),
    )  # fmt: skip
    if done.code == NOT_FOUND:
        raise LabError("Helm is not installed (no `helm` on PATH)")
    if not done.ok:
        raise LabError(f"helm failed: {done.complaint}", f"look: kubectl --namespace {team.namespace} get pods")


def stop(ctx: Context) -> str:
    """Delete the namespace, if a class made it."""
    kubectl = Kubectl(ctx.config.namespace)
    if not _is_there(kubectl):
        return "was gone already"
    kubectl("delete", "namespace", kubectl.namespace, timeout=STOP_SECONDS)
    return "its namespace is deleted"


def _claim(kubectl: Kubectl) -> None:
    """Make the namespace, for restricted pods alone."""
    if _is_there(kubectl):
        return
    labels = {MADE: "yes", "pod-security.kubernetes.io/enforce": "restricted"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": kubectl.namespace, "labels": labels}}
    kubectl("create", "--filename", "-", stdin=json.dumps(namespace))


def _is_there(kubectl: Kubectl) -> bool:
    """Whether the namespace exists.

    Raises:
        LabError: it does, and no class made it: what is in it is somebody else's.
    """
    shown = kubectl("get", "namespace", kubectl.namespace, "--ignore-not-found", "--output", "json")
    if not shown.strip():
        return False
    if MADE not in json.loads(shown)["metadata"].get("labels", {}):
        raise LabError(
            f"the namespace {kubectl.namespace} is there already, and no class made it",
            "name the teams otherwise: class up -p NAME",
        )
    return True
