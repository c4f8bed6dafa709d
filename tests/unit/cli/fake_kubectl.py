"""A stand-in for the `kubectl` program: keeps StatefulSets and pods in a state file, and notes what it was asked."""

import fcntl
import json
import os
import sys
import time
from pathlib import Path

STATE, LOG = Path(os.environ["FAKE_KUBECTL_STATE"]), Path(os.environ["FAKE_KUBECTL_LOG"])


def main(words):
    with LOG.open("a") as log:
        log.write(json.dumps(words) + "\n")
        log.flush()
        if "port-forward" not in words:
            fcntl.flock(log, fcntl.LOCK_EX)  # one after another: each reads the state and writes it
        answer(words)


def answer(words):
    state = json.loads(STATE.read_text())
    _, _, verb, *rest = words  # --namespace NAME comes first
    for failing in state["fail"]:
        if set(failing.split()) <= set(words):
            sys.exit(f"error: cannot {failing}")
    if verb == "port-forward":
        print(f"Forwarding from 127.0.0.1:{state['room_port']} -> 8080", flush=True)
        time.sleep(60)
    elif verb == "version":
        print(json.dumps({"serverVersion": {"gitVersion": "v1.34.4"}}))
    elif verb == "get" and rest[0] == "namespace":
        found = state["namespaces"].get(rest[1])
        print(json.dumps(found) if found else "", end="")
    elif verb == "get":
        print(json.dumps({"items": [each for kind in rest[0].split(",") for each in state[kind].values()]}))
    else:
        CHANGES[verb](state, rest)
        STATE.write_text(json.dumps(state))


def patch(state, words):
    change = json.loads(words[words.index("--patch") + 1])["spec"]
    if words[0] == "statefulset":
        spec = state["statefulsets"][words[1]]["spec"]
        spec["updateStrategy"] = change["updateStrategy"]
        spec["template"]["spec"]["nodeSelector"] = change["template"]["spec"]["nodeSelector"] or {}
        return
    assert words[2:4] == ["--subresource", "resize"]
    pod = state["pods"][words[1]]
    resources = pod["spec"]["containers"][0]["resources"]
    for kind, wanted in change["containers"][0]["resources"].items():
        resources[kind].update(wanted)
    if state["resizes"]:
        pod["status"]["containerStatuses"][0]["resources"] = resources


def create(state, words):
    made = json.load(sys.stdin)
    state["namespaces"][made["metadata"]["name"]] = made


def delete(state, words):
    """A namespace goes; a pod's StatefulSet makes another one at once, as its template is now."""
    if words[0] == "namespace":
        del state["namespaces"][words[1]]
        return
    selector = state["statefulsets"][words[1].rpartition("-")[0]]["spec"]["template"]["spec"].get("nodeSelector", {})
    state["pods"][words[1]] = {**state["new"], "metadata": {"name": words[1]}}
    state["pods"][words[1]]["spec"] = {**state["new"]["spec"], "nodeSelector": selector}


def mark(where):
    def change(state, words):
        words = [word for word in words if word != "--overwrite"]
        marks = state["pods"][words[1]]["metadata"].setdefault(where, {})
        name, is_set, value = words[2].partition("=")
        if is_set:
            marks[name] = value
        else:
            del marks[name.removesuffix("-")]

    return change


def execute(state, words):
    pod = state["pods"][words[0]]
    if words[2] == "healthcheck":
        sys.exit(pod.get("stopped", False) or bool(pod["spec"].get("nodeSelector")))
    pod["stopped"] = words[-1] == "kill -STOP -1"


CHANGES = {
    "patch": patch,
    "create": create,
    "delete": delete,
    "annotate": mark("annotations"),
    "label": mark("labels"),
    "exec": execute,
}
main(sys.argv[1:])
