"""A lab in a namespace of a cluster: `kubectl` for it, and the way to its control room."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from services.common.topology import CONTROL_ROOM, Instance

from .api import Document
from .config import Config
from .containers import CONTROL_ROOM_PORT
from .errors import LabError, Unreachable
from .shell import NOT_FOUND, capture, start_talking

LABEL = "app.kubernetes.io/name=sre-failure-lab"
NO_KUBECTL = "kubectl is not installed (no `kubectl` on PATH)"
FORWARDING = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+) ->")


class Kubectl:
    """`kubectl` in one namespace, with the context that the person has chosen."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.base = ["kubectl", "--namespace", namespace]

    def __call__(self, *words: str, timeout: float = 30, stdin: str | None = None) -> str:
        """A command that must work; what it printed.

        Raises:
            LabError: it did not, and why.
        """
        done = capture([*self.base, *words], timeout=timeout, stdin=stdin)
        if done.code == NOT_FOUND:
            raise LabError(NO_KUBECTL)
        if not done.ok:
            raise LabError(f"kubectl {words[0]} failed: {done.complaint}")
        return done.out

    def objects(self, kinds: str) -> list[Document]:
        """The lab's objects of these kinds."""
        found: list[Document] = json.loads(self("get", kinds, "--selector", LABEL, "--output", "json"))["items"]
        return found


class Forward:
    """A port of this machine that leads to a namespace's control room; opened when it is first asked for."""

    def __init__(self, namespace: str) -> None:
        self._kubectl = Kubectl(namespace)
        self._process: subprocess.Popen[str] | None = None
        self._url = ""

    def url(self) -> str:
        """Its address; a way that broke, as the pod at its end has gone, is opened anew.

        Raises:
            Unreachable: there is no control room to lead to.
        """
        if self._process is None or self._process.poll() is not None:
            self._open()
        return self._url

    def _open(self) -> None:
        service, port = f"service/{CONTROL_ROOM.name}", f":{CONTROL_ROOM_PORT}"
        self.close()
        try:
            process = start_talking([*self._kubectl.base, "port-forward", "--address", "127.0.0.1", service, port])
        except FileNotFoundError:
            raise LabError(NO_KUBECTL) from None
        self._process = process
        assert process.stdout is not None  # it is a pipe
        line = process.stdout.readline()
        found = FORWARDING.match(line)
        if found is None:
            why = (line + process.communicate()[0]).strip().splitlines()
            shown = why[-1] if why else "it ended"
            advice = f"is the lab up? kubectl --namespace {self._kubectl.namespace} get pods"
            raise Unreachable(f"kubectl port-forward failed: {shown}", advice)
        # It says a line for each connection: what nobody reads would fill the pipe, and stop it.
        threading.Thread(target=_read_to_its_end, args=[process.stdout], daemon=True).start()
        self._url = f"http://127.0.0.1:{found.group(1)}"

    def close(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None


@contextmanager
def way_to(config: Config) -> Iterator[Callable[[], str]]:
    """What tells the control room's address; into a namespace a way is opened, unless LAB_URL says one."""
    if not config.namespace or config.variables.get("LAB_URL"):
        yield lambda: config.url
        return
    forward = Forward(config.namespace)
    try:
        yield forward.url
    finally:
        forward.close()


def _read_to_its_end(lines: IO[str]) -> None:
    with lines:
        for _ in lines:
            pass


def pod_of(instance: Instance) -> str:
    """The name of an instance's pod: a StatefulSet counts its pods, and the chart's begin at 1."""
    return f"{instance.spec.name}-{instance.index + 1}"


def is_ready(pod: Document) -> bool:
    """Whether the kubelet found its instance ready when it looked last."""
    conditions = pod["status"].get("conditions", [])
    return any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)
