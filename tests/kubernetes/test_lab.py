"""The lab on a real cluster: it is the same lab there."""

from __future__ import annotations

import json

import pytest

from benchmarks import fire
from services.common.scenes.files import all_scenes
from services.common.scenes.model import SCENES_OF_THE_SHOW
from services.common.topology import instances
from tests.conftest import wait_until
from tests.kubernetes.conftest import helm
from tests.support.survival import on_stage

pytestmark = pytest.mark.kubernetes
SHOW, PATTERNS = list(all_scenes())[:SCENES_OF_THE_SHOW], list(all_scenes())[SCENES_OF_THE_SHOW:]
ASK = """
import urllib.request, urllib.error
headers = {{"Content-Type": "application/json", "Authorization": "Bearer {secret}"}}
request = urllib.request.Request("{url}", b"{{}}", headers)
try:
    print(urllib.request.urlopen(request, timeout=5).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""


@pytest.fixture(autouse=True)
def healthy_before(lab):
    """Each test starts from the defaults."""
    assert lab.reset()["status"] == "GREEN"


def test_all_of_it_is_healthy_soon(lab):
    assert lab.seconds < 120
    state = lab.state()
    assert state["status"] == "GREEN"
    assert all(service["up"] for service in state["services"].values())
    assert "all 7 are ready" in lab.cli("doctor").stdout
    wait_until(lambda: len(lab.query("up == 1")) == len(instances()), "Prometheus scrapes every instance", 60)
    assert {metric["instance"] for metric, _ in lab.query("up")} == {instance.name for instance in instances()}


@pytest.mark.quiet
@pytest.mark.parametrize("name", SHOW)
def test_the_scenes_of_the_show(play, name):
    play(name)


@pytest.mark.long
@pytest.mark.quiet
@pytest.mark.parametrize("name", PATTERNS)
def test_the_other_scenes(play, name):
    play(name)


def test_the_command_line_verifies_through_its_own_way(lab):
    done = lab.cli("scene", "normal", "--verify")
    assert "PASS" in done.stdout


def test_reset_from_the_worst_state(lab):
    lab.reach()
    fire.Room(8080 + lab.offset).burn_down(max(fire.BURN_THREADS))
    result = lab.reset()
    assert result["status"] == "GREEN"
    assert result["seconds"] <= 3.5


@pytest.mark.parametrize("pod", ["database-1", "api-1", "frontend-1", "traffic-1"])
def test_a_pod_that_is_deleted_in_mid_scene_comes_back_with_its_switches(lab, pod):
    before = on_stage(lab)
    born = uid(lab, pod)
    lab.delete_pod(pod)
    before.sees_everything_again(60)
    assert uid(lab, pod) != born
    lab.saw("put back as it was", before.last_event)


def uid(lab, pod):
    return json.loads(lab.kubectl("get", "pod", pod, "-o", "json"))["metadata"]["uid"]


@pytest.mark.parametrize("name", ["api-2", "database", "control-room"])
def test_what_infra_kills_stays_down_until_it_is_healed(lab, name):
    lab.cli("infra", "kill", name)
    assert "not ready: " + name in lab.cli("doctor", check=False).stdout
    if name == "database":
        lab.wait(lambda state: state["status"] == "RED", "RED without a database", 30)
    lab.cli("reset")
    assert "all 7 are ready" in lab.cli("doctor").stdout
    assert lab.state()["status"] == "GREEN"


@pytest.mark.parametrize("name", ["database", "traffic"])
def test_what_infra_pauses_stands_still_and_goes_on(lab, name):
    lab.cli("infra", "pause", name)
    lab.wait(lambda state: not state["services"][name]["up"], f"{name} does not answer")
    lab.cli("infra", "heal", name)
    lab.wait(lambda state: state["services"][name]["up"], f"{name} answers")


def test_infra_limits_the_cpu_of_a_running_pod_and_gives_it_back(lab):
    def limit():
        pod = json.loads(lab.kubectl("get", "pod", "frontend-1", "-o", "json"))
        return pod["status"]["containerStatuses"][0]["resources"]["limits"]["cpu"]

    born = uid(lab, "frontend-1")
    lab.cli("infra", "limit-cpu", "frontend")
    assert limit() == "100m"
    lab.cli("infra", "heal", "frontend")
    assert (limit(), uid(lab, "frontend-1")) == ("1", born)


def test_infra_says_so_where_the_network_cuts_nobody_off(lab):
    done = lab.cli("infra", "disconnect", "database", check=False)
    if done.returncode == 0:  # a network that enforces policies
        lab.wait(lambda state: not state["services"]["database"]["up"], "the database is cut off")
        lab.cli("infra", "heal", "database")
    else:
        assert "does not enforce NetworkPolicy" in done.stderr


def test_the_namespace_takes_restricted_pods_alone(lab):
    root = json.dumps({"spec": {"containers": [{"name": "root", "image": "root"}]}})
    refused = lab.kubectl("run", "root", "--image=root", f"--overrides={root}", "--dry-run=server", check=False)
    assert refused == ""
    pods = lab.cluster.objects(lab.namespace, "pods")
    assert len(pods) == len(instances()) + 1  # Prometheus


def test_two_teams_do_not_touch_each_other(lab, make_lab):
    other = make_lab("two", "--set", "prometheus.enabled=false", "--set", "token=the-other-team")
    lab.fail("database", "slow_query")
    wait_until(lambda: other.get("/api/state")["status"] == "GREEN", "the other team's lab is well")
    assert other.get("/api/state")["services"]["database"]["active"]["failure"] == {}
    secret = lab.inside("api-1", 'print(open("/run/lab-secret/secret").read())').strip()
    address = json.loads(other.kubectl("get", "pod", "api-1", "-o", "json"))["status"]["podIP"]
    asked = ASK.format(url=f"http://{address}:9000/admin/reset", secret=secret)
    own = ASK.format(url="http://api-1:9000/admin/reset", secret=secret)
    assert lab.inside("api-1", own).strip() in ("200", "409")
    refused_or_cut_off = ("401", "")
    assert lab.inside("api-1", asked, check=False).strip() in refused_or_cut_off
    assert lab.state()["services"]["database"]["active"]["failure"]


def test_uninstalling_leaves_nothing(cluster, make_lab):
    namespaced = cluster.kubectl("api-resources", "--verbs=list", "--namespaced", "-o", "name").split()
    kinds = ",".join(kind for kind in namespaced if not kind.startswith("events"))
    lab = make_lab("three", "--set", "dashboards.enabled=true,prometheus.enabled=false")
    everywhere = ("get", "clusterroles,clusterrolebindings,persistentvolumes,nodes", "-o", "name")
    before = cluster.kubectl(*everywhere)
    selector = ("-l", "app.kubernetes.io/name=sre-failure-lab")
    assert cluster.objects(lab.namespace, kinds, *selector)
    helm("uninstall", "lab", "-n", lab.namespace, "--wait", **cluster.environ)
    wait_until(lambda: not cluster.objects(lab.namespace, kinds, *selector), "nothing of the lab is left", 60)
    left = {(each["kind"], each["metadata"]["name"]) for each in cluster.objects(lab.namespace, kinds)}
    assert left <= {("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")}
    assert cluster.kubectl(*everywhere) == before
