"""A real cluster, if one was made for such tests and runs on this machine; and the lab in it, once for all tests."""

from __future__ import annotations

import ipaddress
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.conftest import RESULTS, wait_until
from tests.support.labs import LabUnderTest, free_offset, table

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "kubernetes"
MADE_FOR_TESTS = ("lab", "kind-", "k3d-")  # how the contexts of such clusters begin; the first is its whole name
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"
INSTALL_SECONDS = 300


def run(*command: str, check: bool = True, timeout: float = 120, **environ: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **environ}
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False, timeout=timeout)
    assert done.returncode == 0 or not check, f"{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-3000:]}"
    return done


def helm(*words: str, check: bool = True, **environ: str) -> subprocess.CompletedProcess[str]:
    """Helm; where there is none, the test cannot be made."""
    if shutil.which("helm") is None:
        pytest.skip("there is no helm on PATH")
    return run("helm", *words, check=check, timeout=INSTALL_SECONDS + 60, **environ)


def is_of_this_machine(server: str) -> bool:
    """Whether an API server's address is one of this machine's own."""
    host = urlsplit(server).hostname or ""
    try:
        address = ipaddress.ip_address(host)
        with socket.socket(socket.AF_INET6 if address.version == 6 else socket.AF_INET) as probe:
            probe.bind((host, 0))
    except (ValueError, OSError):
        return False
    return True


def why_not(context: str, server: str) -> str | None:
    """Why a context is not to be touched; None for that of a cluster that was made for tests, on this machine."""
    whole, *beginnings = MADE_FOR_TESTS
    if context != whole and not context.startswith(tuple(beginnings)):
        return f"the context {context!r} is no cluster made for tests ({', '.join(MADE_FOR_TESTS)})"
    if not is_of_this_machine(server):
        return f"the cluster of the context {context!r} is not on this machine: {server}"
    return None


class Cluster:
    """The cluster, through a configuration that knows this context alone: whatever the person switches to meanwhile."""

    def __init__(self, kubeconfig: Path) -> None:
        self.environ = {"KUBECONFIG": str(kubeconfig)}

    def kubectl(self, *words: str, check: bool = True, timeout: float = 120) -> str:
        return run("kubectl", *words, check=check, timeout=timeout, **self.environ).stdout

    def objects(self, namespace: str, kinds: str, *words: str) -> list[dict]:
        return json.loads(self.kubectl("-n", namespace, "get", kinds, "-o", "json", *words))["items"]

    def make(self, namespace: str) -> None:
        """A namespace that takes restricted pods alone."""
        self.kubectl("create", "namespace", namespace)
        self.kubectl("label", "namespace", namespace, RESTRICTED)

    def install(self, namespace: str, *words: str) -> float:
        """Install the chart, and wait until it is healthy; how many seconds that took."""
        prefix, tag = os.environ.get("LAB_IMAGES", "sre-failure-lab"), os.environ.get("LAB_TAG", "latest")
        values = ["--set-string", f"images.prefix={prefix}/,images.tag={tag}"]
        if "PROMETHEUS_IMAGE" in os.environ:
            values += ["--set", f"images.prometheus={os.environ['PROMETHEUS_IMAGE']}"]
        waiting = ["--wait", "--timeout", f"{INSTALL_SECONDS}s"]
        began = time.monotonic()
        helm("install", "lab", str(CHART), "-n", namespace, *values, *waiting, *words, **self.environ)
        return time.monotonic() - began


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    if shutil.which("kubectl") is None:
        pytest.skip("there is no kubectl on PATH")
    shown = run("kubectl", "config", "view", "--minify", "--flatten", "--raw", "-o", "json", check=False)
    if shown.returncode != 0:
        pytest.skip("kubectl has no context")
    config = json.loads(shown.stdout)
    reason = why_not(config["current-context"], config["clusters"][0]["cluster"]["server"])
    if reason is not None:
        pytest.skip(reason)
    kubeconfig = tmp_path_factory.mktemp("kubernetes") / "config"
    kubeconfig.touch(0o600)
    kubeconfig.write_text(shown.stdout)
    cluster = Cluster(kubeconfig)
    if run("kubectl", "get", "--raw", "/readyz", check=False, **cluster.environ).returncode != 0:
        pytest.skip(f"the cluster of the context {config['current-context']!r} does not answer")
    return cluster


class KubernetesLab(LabUnderTest):
    """A lab in a namespace, reached through `kubectl port-forward`, which is started anew when a pod goes."""

    def __init__(self, cluster: Cluster, namespace: str, offset: int) -> None:
        super().__init__(offset)
        self.cluster, self.namespace = cluster, namespace
        self._forwards: dict[str, subprocess.Popen[bytes]] = {}

    def reach(self, service: str = "control-room") -> None:
        """See to it that the port leads to the service of the namespace."""
        port, url = {
            "control-room": (8080, self.url + "/healthz"),
            "prometheus": (9090, self.prometheus + "/-/ready"),
        }[service]
        if service in self._forwards and self._forwards[service].poll() is None:
            return
        words = ("-n", self.namespace, "port-forward", f"service/{service}", f"{port + self.offset}:{port}")
        self._forwards[service] = subprocess.Popen(
            ["kubectl", *words],
            env={**os.environ, **self.cluster.environ},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: answers(lambda: super(KubernetesLab, self).get("", url)), f"{url} answers", 30)

    def get(self, path, base=None):
        service = "prometheus" if base == self.prometheus else "control-room"
        self.reach(service)
        try:
            return super().get(path, base)
        except ConnectionError:  # its pod has gone, and kubectl ends with the way that it had opened
            self._forwards[service].wait(10)
            self.reach(service)
            return super().get(path, base)

    def post(self, path, body=None):
        self.reach()
        return super().post(path, body)

    def leave(self) -> None:
        """End the ways into the namespace."""
        for forward in self._forwards.values():
            forward.terminate()
            forward.wait()

    def kubectl(self, *words: str, **options) -> str:
        return self.cluster.kubectl("-n", self.namespace, *words, **options)

    def cli(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """The command line, for this lab."""
        command = (sys.executable, "scripts/lab", *words, "--kubernetes", self.namespace)
        return run(*command, check=check, timeout=600, **self.cluster.environ)

    def delete_pod(self, name: str) -> None:
        """Kill a pod; its StatefulSet makes another one."""
        self.kubectl("delete", "pod", name, "--now")

    def inside(self, pod: str, code: str, **options) -> str:
        """What a Python program prints in a pod."""
        return self.kubectl("exec", pod, "--", "python3", "-c", code, **options)


def answers(call: Callable[[], object]) -> bool:
    """Whether a call is answered, with whatever."""
    try:
        call()
    except ValueError:
        return True  # it is no JSON
    except OSError:
        return False
    return True


@pytest.fixture(scope="session")
def make_lab(cluster):
    """Install a lab in a namespace of its own; everything goes at the end."""
    labs = []

    def make(team: str, *words: str) -> KubernetesLab:
        lab = KubernetesLab(cluster, f"lab-test-{os.getpid()}-{team}", free_offset(14_000 + 100 * len(labs)))
        labs.append(lab)
        cluster.make(lab.namespace)
        lab.seconds = cluster.install(lab.namespace, *words)
        return lab

    yield make
    RESULTS.mkdir(exist_ok=True)
    for lab in labs:
        log = lab.kubectl("logs", "--prefix", "--tail=-1", "-l", "app.kubernetes.io/name=sre-failure-lab", check=False)
        (RESULTS / f"kubernetes-{lab.namespace}.log").write_text(log)
        lab.leave()
        cluster.kubectl("delete", "namespace", lab.namespace, "--ignore-not-found", timeout=180)


@pytest.fixture(scope="session")
def lab(make_lab):
    return make_lab("one")


@pytest.fixture
def play(lab, capsys):
    """Play a scene, print expected beside measured, and fail if one of them misses."""

    def play(name):
        scene = lab.play(name)
        with capsys.disabled():
            print("\n" + table(scene))
        assert scene["verdict"] == "pass", table(scene)

    return play
