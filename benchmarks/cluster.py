"""What the labs in a cluster cost, as their kubelets count it: memory and CPU of each, and of its pods."""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter
from typing import Any

LABEL = "app.kubernetes.io/name=sre-failure-lab"
SECONDS = 30
MB = 1024 * 1024


def _kubectl(*words: str) -> Any:
    return json.loads(subprocess.run(["kubectl", *words], capture_output=True, text=True, check=True).stdout)


def _pods() -> dict[tuple[str, str], str]:
    """The labs' pods, by namespace and name, with their node."""
    found = _kubectl("get", "pods", "--all-namespaces", "--selector", LABEL, "--output", "json")["items"]
    return {(pod["metadata"]["namespace"], pod["metadata"]["name"]): pod["spec"]["nodeName"] for pod in found}


def _usage(pods: dict[tuple[str, str], str]) -> dict[tuple[str, str], tuple[float, float]]:
    """Working set in MB, and CPU seconds since it started, of each pod."""
    usage = {}
    for node in set(pods.values()):
        for pod in _kubectl("get", "--raw", f"/api/v1/nodes/{node}/proxy/stats/summary")["pods"]:
            name = pod["podRef"]["namespace"], pod["podRef"]["name"]
            if name in pods:
                usage[name] = pod["memory"]["workingSetBytes"] / MB, pod["cpu"]["usageCoreNanoSeconds"] / 1e9
    return usage


def report() -> None:
    """Print what was found."""
    pods = _pods()
    before, began = _usage(pods), time.monotonic()
    time.sleep(SECONDS)
    after, seconds = _usage(pods), time.monotonic() - began
    memory, cpu = Counter[str](), Counter[str]()
    print("\n| namespace | pod | memory, working set | CPU of a core |\n|---|---|---|---|")
    for (namespace, name), (megabytes, used) in sorted(after.items()):
        share = (used - before[namespace, name][1]) / seconds
        memory[namespace] += megabytes
        cpu[namespace] += share
        print(f"| {namespace} | {name} | {megabytes:.0f} MB | {share:.1%} |")
    for namespace in memory:
        print(f"| {namespace} | all | {memory[namespace]:.0f} MB | {cpu[namespace]:.1%} |")
