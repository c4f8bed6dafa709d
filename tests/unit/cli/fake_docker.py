"""A stand-in for the `docker` program: answers from a state file, and notes what it was asked.

The state: `services` as compose knows them, `containers` as `docker inspect` shows them, and `fail`, the words of
commands that shall fail.
"""

import json
import os
import sys
from pathlib import Path

NOTED = ("LAB_PORT", "LAB_ADDRESS", "LAB_TOKEN")
STATE, LOG = Path(os.environ["FAKE_DOCKER_STATE"]), Path(os.environ["FAKE_DOCKER_LOG"])


def main(words):
    with LOG.open("a") as log:
        log.write(json.dumps({"words": words, **{name.lower(): os.environ.get(name) for name in NOTED}}) + "\n")
    state = json.loads(STATE.read_text())
    for failing in state["fail"]:
        if set(failing.split()) <= set(words):
            sys.exit(f"cannot {failing}")
    if words[0] == "compose":
        return compose(words, state["containers"])
    if words[0] == "info":
        return print(json.dumps(state["info"]))
    if words[:2] == ["image", "inspect"]:
        sys.exit(words[-1] not in state["images"])
    if words[0] in CHANGES:
        CHANGES[words[0]](words, state["containers"])
        STATE.write_text(json.dumps(state))


def compose(words, containers):
    if "ps" in words:
        for name, container in containers.items():
            shown = {"Service": name, "ID": name, "State": container["State"]["Status"], "Health": "", "Publishers": []}
            print(json.dumps({**shown, **container.get("shown", {})}))
    elif "logs" in words:
        print(f"the log of {words[-1]}")
    elif "version" in words:
        print("2.40.3")


def inspect(words, containers):
    print(json.dumps([containers[words[-1]]]))


def kill(words, containers):
    containers[words[-1]]["State"] = {"Running": False, "Paused": False, "Status": "exited"}


def start(words, containers):
    containers[words[-1]]["State"] = {"Running": True, "Paused": False, "Status": "running"}


def pause(words, containers):
    containers[words[-1]]["State"]["Paused"] = True


def unpause(words, containers):
    containers[words[-1]]["State"]["Paused"] = False


def network(words, containers):
    networks = containers[words[-1]]["NetworkSettings"]["Networks"]
    if words[1] == "disconnect":
        del networks[words[-2]]
    else:
        networks[words[-2]] = {"Aliases": sorted(words[3:-2:2])}


def update(words, containers):
    containers[words[-1]]["HostConfig"]["NanoCpus"] = round(float(words[2]) * 1e9)


def execute(words, containers):
    state = containers[words[1]]["State"]
    sys.exit(not state["Running"] or state["Paused"])


CHANGES = {
    "inspect": inspect,
    "kill": kill,
    "start": start,
    "pause": pause,
    "unpause": unpause,
    "network": network,
    "update": update,
    "exec": execute,
}
main(sys.argv[1:])
