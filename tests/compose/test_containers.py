"""What containers add: hardening, limits that the kernel keeps, and restarts of a whole container."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from tests.compose.conftest import INSTANCES
from tests.conftest import wait_until

pytestmark = pytest.mark.compose
TOKEN = "a-token-that-shows-nowhere"


@pytest.mark.parametrize("service", [*INSTANCES, "prometheus"])
def test_containers_are_hardened(lab, service):
    (container,) = json.loads(lab.docker("inspect", lab.container(service)))
    host = container["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert not host["CapAdd"] and not host["Privileged"] and not host["Devices"]
    assert all(host[mode] not in ("host", "shareable") for mode in ("NetworkMode", "PidMode", "IpcMode", "UsernsMode"))
    assert host["Memory"] > 0 and host["NanoCpus"] > 0 and host["PidsLimit"] > 0
    assert container["Config"]["User"] not in ("", "0", "root")
    assert not any("docker" in mount["Source"] and "sock" in mount["Source"] for mount in container["Mounts"])
    writable = [mount["Destination"] for mount in container["Mounts"] if mount["RW"]]
    owned = {"/var/lib/lab", "/run/lab-secret"} if service == "control-room" else set()
    assert set(writable) == owned, "the journal and the secret alone are written, by the control room alone"
    published = [binding for ports in host["PortBindings"].values() for binding in ports]
    assert all(binding["HostIp"] == "127.0.0.1" for binding in published)
    assert host["RestartPolicy"]["Name"] == "unless-stopped"


@pytest.mark.parametrize("service", [*INSTANCES, "prometheus"])
def test_the_kernel_agrees(lab, service):
    inside = ["exec", "-T", service, "sh", "-c"]
    status = dict(line.split(":\t", 1) for line in lab.compose(*inside, "cat /proc/1/status").splitlines())
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"] == "1" and "0" not in status["Uid"].split()
    written = lab.compose(
        *inside, "touch /etc/here /usr/here /here 2>/dev/null; ls /etc/here /usr/here /here", check=False
    )
    assert written == ""
    assert lab.compose(*inside, "find / -xdev -name '*docker*.sock' 2>/dev/null", check=False) == ""


WITHOUT_THE_SECRET = """
import urllib.error, urllib.request
headers = {"Content-Type": "application/json"}
request = urllib.request.Request("http://api-1:9000/admin/reset", b"{}", headers, method="POST")
try:
    print(urllib.request.urlopen(request, timeout=5).status)
except urllib.error.HTTPError as refused:
    print(refused.code)
"""


def test_a_container_without_the_secret_changes_nothing(lab):
    assert lab.inside("frontend", WITHOUT_THE_SECRET).stdout == "401\n"
    assert lab.inside("database", "print(open('/run/lab-secret/secret', 'a'))").returncode != 0


def test_the_name_that_prometheus_uses_is_none_for_who_comes_through_the_published_port(lab):
    request = urllib.request.Request(f"{lab.url}/api/state", headers={"Host": "control-room:8080"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=5)
    with refused.value:
        assert refused.value.code == 421
    assert lab.value('up{job="control-room"}') == 1


def test_the_token_shows_in_no_log_page_or_process_list(lab):
    """`docker inspect` and the process's own environment have it; whoever reads those has the machine."""
    image = json.loads(lab.docker("inspect", lab.container("control-room")))[0]["Config"]["Image"]
    run = ["run", "-d", "--rm", "-p", "127.0.0.1::8080", "-e", f"LAB_TOKEN={TOKEN}", "--tmpfs", "/run/lab:uid=10001"]
    container = lab.docker(*run, image).strip()
    try:
        url = f"http://{lab.docker('port', container, '8080').split()[0]}"
        wait_until(lambda: said(f"{url}/healthz")[0] == 200, "it answers", 20)
        write = {"method": "POST", "data": b"{}"}
        assert said(f"{url}/api/traffic", token="wrong", **write)[0] == 401
        assert said(f"{url}/api/traffic", token=TOKEN, **write)[0] == 422
        for path in ("/", "/view", "/api/state", "/api/events", "/api/openapi.json", "/metrics", "/static/lib/api.js"):
            status, text = said(url + path, token=TOKEN)
            assert status == 200 and TOKEN not in text
        assert TOKEN not in lab.docker("logs", container)
        assert "gunicorn" in lab.docker("top", container) and TOKEN not in lab.docker("top", container)
        assert TOKEN not in lab.docker("exec", container, "sh", "-c", "cat /proc/[0-9]*/cmdline")
    finally:
        lab.docker("kill", container)


def said(url, *, token="", **request):
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers, **request), timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def test_the_token_is_nowhere_but_in_the_control_room(lab):
    for service in INSTANCES[:-1]:
        assert "LAB_TOKEN" not in lab.docker("inspect", lab.container(service))


def test_the_control_room_puts_back_what_a_restarted_container_forgot(lab):
    lab.fail("database", "slow_query", min_seconds=0.5, max_seconds=1)
    lab.wait(lambda state: state["services"]["database"]["active"]["failure"], "slow_query on")
    lab.saw("slow_query is on", 0)
    after = lab.last_event()
    lab.docker("restart", "-t", "1", lab.container("database"))
    lab.saw("slow_query put back as it was", after, 30)
    params = lab.state()["services"]["database"]["active"]["failure"]["slow_query"]
    assert params["min_seconds"] == 0.5


def test_a_crash_loop_goes_on_until_it_is_healed(lab):
    after = lab.last_event()
    lab.fail("api", "crash")
    lab.saw("api-1: crashed, and restarted", after)
    still_on = {"crash": {"probability": 1.0, "duration_seconds": 0.0}}
    lab.wait(lambda state: state["services"]["api"]["active"].get("failure") == still_on, "crash on after a restart")
    assert not lab.requests(1)[0]["ok"]
    lab.heal("api", "crash")
    lab.wait(lambda state: lab.requests(1)[0]["ok"], "requests succeed")


def test_a_killed_container_stays_down_and_the_lab_says_so(lab):
    after = lab.last_event()
    lab.compose("kill", "database")
    lab.saw("database: does not answer", after)
    state = lab.state()
    assert state["services"]["database"]["up"] is False
    lab.wait(lambda state: state["status"] == "RED" and "database does not answer" in state["reasons"], "RED")
    answer = lab.reset()
    assert answer["status"] == "RED" and any("infra heal database" in step for step in answer["steps"])
    lab.compose("up", "-d", "--wait", "--no-recreate", "database")
    lab.saw("database: answers again", after, 30)
    assert lab.reset()["status"] == "GREEN"


def test_the_admin_planes_answer_while_every_data_thread_is_stuck(lab):
    for service in ("frontend", "api", "database"):
        lab.fail(service, "hang")
    lab.post("/api/traffic", {"rps": 100})
    lab.wait(lambda state: state["services"]["frontend"]["threads_busy"] == 128, "every thread is busy", 30)
    state = lab.state()
    assert all(service["up"] for service in state["services"].values())
    assert lab.query('up{job="frontend"} == 1')
    answer = lab.reset()
    assert answer["status"] == "GREEN" and answer["seconds"] < 3
