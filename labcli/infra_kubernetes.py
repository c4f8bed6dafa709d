"""What `infra` does to pods. What was done is written on the pod, and ends with it: nothing is kept here."""

from __future__ import annotations

import json
from typing import Any

from services.common.topology import CONTROL_ROOM, instances

from .api import Document
from .context import Context
from .errors import LabError
from .kubernetes import Kubectl, is_ready, pod_of
from .shell import capture

HEALTHY_SECONDS = 90.0
DONE_SECONDS = 15.0  # until a limit is changed, or a pod is seen to be cut off
CHECK_SECONDS = 5.0
POLL_SECONDS = 0.5
HELD = {"lab/held": "true"}  # no node has this label: a pod that wants it waits
CUT_OFF = "lab/cut-off"  # the chart's network policies leave a pod with this label alone
PAUSED, CPU_BEFORE = "lab/paused", "lab/cpu-before"  # annotations


class KubernetesInfra:
    """The pods of one lab."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._kubectl = Kubectl(ctx.config.namespace)
        self._instances = {instance.name: instance for instance in instances()}
        self._look()

    def _look(self) -> None:
        """How the lab's pods, and what makes them, are now."""
        found = self._kubectl.objects("statefulsets,pods")
        self._pods = {each["metadata"]["name"]: each for each in found if each["kind"] == "Pod"}
        self._sets = {each["metadata"]["name"]: each for each in found if each["kind"] == "StatefulSet"}

    def services(self) -> list[str]:
        """The instances that have, or should have, a pod."""
        return sorted(name for name, each in self._instances.items() if each.spec.name in self._sets)

    def changed(self) -> list[str]:
        """The instances whose pod was changed, or is kept from coming back."""
        return [name for name in self.services() if self._is_held(name) or self._marks(name)]

    def kill(self, service: str) -> str:
        """End its pod; the next one asks for a node that there is not, and waits."""
        instance = self._instances[service]
        self._patch_set(service, {"type": "OnDelete", "rollingUpdate": None}, HELD)
        self._kubectl("delete", "pod", pod_of(instance), "--now", "--ignore-not-found", timeout=60)
        return "killed, and stays down"

    def pause(self, service: str) -> str:
        """Stop all its processes."""
        self._signal(service, "STOP")
        self._annotate(service, PAUSED, "true")
        return "paused: its connections stay open, and nobody answers"

    def disconnect(self, service: str) -> str:
        """Take it out of the lab's network policies; a cluster that does not keep them is found out."""
        self._label(service, f"{CUT_OFF}=true")
        deadline = self._ctx.clock() + DONE_SECONDS
        while not self._is_cut_off(service):
            if self._ctx.clock() > deadline:
                self._label(service, f"{CUT_OFF}-")
                raise LabError(
                    f"{service} still answers: this cluster's network does not enforce NetworkPolicy",
                    "pause it instead, or use a network that does (Calico, Cilium)",
                )
            self._ctx.sleep(POLL_SECONDS)
        return "cut off from the network"

    def limit_cpu(self, service: str, cpus: float) -> str:
        """Leave its container fewer CPUs, after noting what it had."""
        before = self._container(service)["resources"]
        if CPU_BEFORE not in self._marks(service):
            had = {kind: {"cpu": before[kind]["cpu"]} for kind in ("limits", "requests")}
            self._annotate(service, CPU_BEFORE, json.dumps(had))
        requested = min(cpus, _cpus(before["requests"]["cpu"]))  # a limit must not be below the request
        self._resize(service, {"limits": {"cpu": f"{cpus:g}"}, "requests": {"cpu": f"{requested:g}"}})
        return f"has {cpus:g} CPUs now"

    def heal(self, service: str) -> list[str]:
        """Undo what was done, and wait until the service is well."""
        marks, steps = self._marks(service), []
        if self._is_held(service):
            self._let_go(service)
            steps.append("started")
        if PAUSED in marks:
            self._signal(service, "CONT")
            self._annotate(service, PAUSED, None)
            steps.append("goes on")
        if CPU_BEFORE in marks:
            before = json.loads(marks[CPU_BEFORE])
            self._resize(service, before)
            self._annotate(service, CPU_BEFORE, None)
            steps.append(f"has {before['limits']['cpu']} CPUs again")
        if CUT_OFF in marks:
            self._label(service, f"{CUT_OFF}-")
            steps.append("connected")
        steps.append(f"well after {self._wait_until_well(service):.1f} s")
        return steps

    # What is there.

    def _pod(self, service: str) -> Document:
        """The instance's pod."""
        name = pod_of(self._instances[service])
        if name not in self._pods:
            raise LabError(f"{service} has no pod now", f"start it: {self._ctx.config.hint(f'infra heal {service}')}")
        return self._pods[name]

    def _container(self, service: str) -> dict[str, Any]:
        """What its container should be."""
        (container,) = self._pod(service)["spec"]["containers"]
        found: dict[str, Any] = container
        return found

    def _marks(self, service: str) -> dict[str, str]:
        """What was done to its pod and not undone: annotations and the label."""
        metadata = self._pods.get(pod_of(self._instances[service]), {}).get("metadata", {})
        found = {**metadata.get("annotations", {}), **metadata.get("labels", {})}
        return {name: found[name] for name in (PAUSED, CPU_BEFORE, CUT_OFF) if name in found}

    def _is_held(self, service: str) -> bool:
        """Whether it was killed: its pod waits for a node that there is not, or is not even made."""
        instance = self._instances[service]
        pod = self._pods.get(pod_of(instance), self._sets[instance.spec.name]["spec"]["template"])
        return bool(HELD.items() <= pod["spec"].get("nodeSelector", {}).items())

    def _is_cut_off(self, service: str) -> bool:
        """Whether the control room hears nothing of it; itself cut off it hears nothing of anybody."""
        found = self._ctx.room.get("/api/state")["services"]
        if service == CONTROL_ROOM.name:
            return not any(each["up"] for each in found.values())
        of_service = found[self._instances[service].spec.name]
        return not bool(of_service.get("instances", {}).get(service, of_service)["up"])

    # What is done.

    def _patch_set(self, service: str, strategy: Document, selector: Document | None) -> None:
        """Change how the pods of an instance's service are made, and whether those that are there are made anew."""
        spec = {"updateStrategy": strategy, "template": {"spec": {"nodeSelector": selector}}}
        name = self._instances[service].spec.name
        self._kubectl("patch", "statefulset", name, "--patch", json.dumps({"spec": spec}))

    def _let_go(self, service: str) -> None:
        """Let its pod come back; other instances that were killed stay down until they are healed themselves."""
        spec = self._instances[service].spec
        still = [each.name for each in spec.instances if each.name != service and self._is_held(each.name)]
        self._patch_set(service, {"type": "OnDelete" if still else "RollingUpdate"}, None)
        self._kubectl("delete", "pod", pod_of(self._instances[service]), "--ignore-not-found", timeout=60)

    def _signal(self, service: str, name: str) -> None:
        """Send a signal to every process of the pod but this one; its first process is the cluster's own."""
        self._kubectl("exec", self._pod(service)["metadata"]["name"], "--", "sh", "-c", f"kill -{name} -1")

    def _resize(self, service: str, resources: Document) -> None:
        """Give its container other resources, as it runs, and wait until it has them."""
        pod, container = self._pod(service)["metadata"]["name"], self._container(service)["name"]
        patch = json.dumps({"spec": {"containers": [{"name": container, "resources": resources}]}})
        self._kubectl("patch", "pod", pod, "--subresource", "resize", "--patch", patch)
        deadline = self._ctx.clock() + DONE_SECONDS
        while self._given_cpus(service) != _cpus(resources["limits"]["cpu"]):
            if self._ctx.clock() > deadline:
                raise LabError(f"{service} does not get its CPUs changed", f"why: kubectl describe pod {pod}")
            self._ctx.sleep(POLL_SECONDS)
            self._look()

    def _given_cpus(self, service: str) -> float:
        """The limit that its container really has."""
        status = self._pod(service).get("status", {}).get("containerStatuses", [{}])[0]
        return _cpus(status.get("resources", {}).get("limits", {}).get("cpu", "0"))

    def _annotate(self, service: str, name: str, value: str | None) -> None:
        """Write on its pod what was done, or that it is undone."""
        change = f"{name}-" if value is None else f"{name}={value}"
        self._kubectl("annotate", "--overwrite", "pod", self._pod(service)["metadata"]["name"], change)

    def _label(self, service: str, change: str) -> None:
        """Set a label of its pod, or take it away."""
        self._kubectl("label", "--overwrite", "pod", self._pod(service)["metadata"]["name"], change)

    def _is_ready(self, service: str) -> bool:
        """Whether the kubelet knows that it is ready: before, the cluster sends it no connections."""
        self._look()
        return is_ready(self._pod(service))

    def _wait_until_well(self, service: str) -> float:
        """Wait until it passes its own health check, and the kubelet knows; how many seconds that took."""
        ctx, pod = self._ctx, pod_of(self._instances[service])
        began = ctx.clock()
        check = [*self._kubectl.base, "exec", pod, "--", "healthcheck"]
        while not (capture(check, timeout=CHECK_SECONDS).ok and self._is_ready(service)):
            seconds = ctx.clock() - began
            if seconds > HEALTHY_SECONDS:
                why = f"kubectl --namespace {ctx.config.namespace} describe pod {pod}"
                raise LabError(f"{service} is not well after {seconds:.0f} s", f"why: {why}")
            ctx.console.progress(f"  {service} is not well yet, {seconds:.0f} s")
            ctx.sleep(POLL_SECONDS)
        return ctx.clock() - began


def _cpus(quantity: str) -> float:
    """A number of CPUs, as Kubernetes writes it: "1", "0.5" or "500m"."""
    return float(quantity.removesuffix("m")) / (1000 if quantity.endswith("m") else 1)
