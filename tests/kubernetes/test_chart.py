"""The Helm chart: what it makes of its values, against Kubernetes' own schemas. It needs Helm, and no cluster."""

from __future__ import annotations

import json
import tomllib
from functools import cache

import pytest
import yaml
from kubernetes_validate import validate

from services.common.topology import SERVICES, instances
from tests.kubernetes.conftest import CHART, ROOT, helm, is_of_this_machine, why_not

NAMESPACED = {
    "ConfigMap", "Deployment", "Ingress", "NetworkPolicy", "PrometheusRule", "Secret", "Service", "ServiceMonitor",
    "StatefulSet",
}  # fmt: skip
ALL_ON = (
    "--set", "token=a-long-token,ingress.enabled=true,ingress.host=lab.example.com,ingress.tlsSecret=tls",
    "--set", "ingress.className=nginx,serviceMonitor.enabled=true,serviceMonitor.labels.release=kps",
    "--set", "dashboards.enabled=true,images.pullSecrets={mine}",
    "--set-json", 'networkPolicy.from=[{"namespaceSelector":{"matchLabels":{"ingress":"yes"}}}]',
)  # fmt: skip
VERSIONS = ("1.31", "1.34")
AS_IF = ("--kube-version", "1.31.0")  # without a cluster Helm takes the version that it was built for
WAYS = [pytest.param((), id="default"), pytest.param(ALL_ON, id="all on")]


@cache
def rendered(*words: str) -> list[dict]:
    """Every object that the chart makes."""
    text = helm("template", "lab", str(CHART), *AS_IF, "--namespace", "team-1", *words).stdout
    return [found for found in yaml.safe_load_all(text) if found]


def of_kind(kind: str, *words: str) -> dict[str, dict]:
    return {found["metadata"]["name"]: found for found in rendered(*words) if found["kind"] == kind}


def pods(*words: str) -> dict[str, dict]:
    makers = {**of_kind("StatefulSet", *words), **of_kind("Deployment", *words)}
    return {name: maker["spec"]["template"]["spec"] for name, maker in makers.items()}


def refused(*words: str) -> str:
    """Why these values are refused."""
    done = helm("template", "lab", str(CHART), *AS_IF, *words, check=False)
    assert done.returncode != 0
    return done.stderr


def test_helm_finds_nothing_wrong():
    for words in ((), ALL_ON):
        assert "0 chart(s) failed" in helm("lint", "--strict", str(CHART), *AS_IF, *words).stdout


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("words", WAYS)
def test_every_object_is_as_kubernetes_has_it(words, version):
    for found in rendered(*words):
        if not found["apiVersion"].startswith("monitoring.coreos.com"):
            validate(found, version, strict=True)


@pytest.mark.parametrize("words", WAYS)
def test_everything_is_in_the_namespace(words):
    for found in rendered(*words):
        assert found["kind"] in NAMESPACED
        assert found["metadata"]["namespace"] == "team-1"


@pytest.mark.parametrize("words", WAYS)
def test_every_pod_is_restricted(words):
    """Each rule of the Pod Security Standard "restricted", and nothing of the host's."""
    for pod in pods(*words).values():
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC", "initContainers"))
        assert all({"emptyDir", "secret", "configMap"} & set(volume) for volume in pod["volumes"])
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["readOnlyRootFilesystem"] is True
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert not any("hostPort" in port for port in container["ports"])
            assert {"cpu", "memory"} == set(container["resources"]["limits"]) == set(container["resources"]["requests"])
            assert container["readinessProbe"] and container["startupProbe"]


def test_the_services_are_those_of_the_topology():
    sets, addresses = of_kind("StatefulSet"), of_kind("Service")
    assert set(sets) == {spec.name for spec in SERVICES}
    assert set(addresses) == {instance.name for instance in instances()} | {"prometheus"}
    for spec in SERVICES:
        made = sets[spec.name]["spec"]
        assert (made["replicas"], made["ordinals"]) == (spec.replicas, {"start": 1})
        (container,) = made["template"]["spec"]["containers"]
        assert container["image"] == f"sre-failure-lab/{spec.name}:latest"
        assert container["resources"]["limits"]["memory"] == f"{spec.memory_mb}Mi"


def test_an_address_leads_to_one_instance():
    made = of_kind("Service")
    assert made["api-2"]["spec"]["selector"]["statefulset.kubernetes.io/pod-name"] == "api-2"
    assert made["api-2"]["spec"]["publishNotReadyAddresses"]
    assert {port["port"] for port in made["api-2"]["spec"]["ports"]} == {8000, 9000}
    assert {port["port"] for port in made["control-room"]["spec"]["ports"]} == {8080}


def test_kubernetes_own_variables_are_kept_out_of_the_lab():
    assert all(pod["enableServiceLinks"] is False for pod in pods().values())


def test_prometheus_and_grafana_get_the_files_of_the_lab():
    config = of_kind("ConfigMap")["prometheus"]["data"]
    assert config["prometheus.yml"].strip() == (ROOT / "prometheus" / "prometheus.yml").read_text().strip()
    for path in (ROOT / "prometheus" / "rules").glob("*.yml"):
        assert yaml.safe_load(config[path.name]) == yaml.safe_load(path.read_text())
    boards = [found for name, found in of_kind("ConfigMap", *ALL_ON).items() if name.startswith("dashboard-")]
    files = {path.name: path for path in (ROOT / "grafana" / "dashboards").glob("*.json")}
    assert {name for board in boards for name in board["data"]} == set(files)
    for board in boards:
        ((name, text),) = board["data"].items()
        wanted = files[name].read_text().replace("localhost:8080", "lab.example.com")
        assert json.loads(text) == json.loads(wanted)
        assert board["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert len(text) < 1024 * 1024


def test_the_operators_rules_are_the_labs():
    groups = of_kind("PrometheusRule", *ALL_ON)["sre-failure-lab"]["spec"]["groups"]
    files = sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
    assert groups == [group for path in files for group in yaml.safe_load(path.read_text())["groups"]]
    monitor = of_kind("ServiceMonitor", *ALL_ON)["sre-failure-lab"]
    assert monitor["metadata"]["labels"]["release"] == "kps"


def test_a_service_can_have_more():
    words = ("--set", "resourcesOf.api.limits.memory=768Mi", "--set", "images.prefix=reg.example.com/,images.tag=v1")
    (api,) = pods(*words)["api"]["containers"]
    assert api["resources"]["limits"] == {"cpu": "1", "memory": "768Mi"}
    assert api["image"] == "reg.example.com/api:v1"
    (database,) = pods(*words)["database"]["containers"]
    assert database["resources"]["limits"]["memory"] == "256Mi"


def test_the_token_is_in_its_secret_alone():
    words = ("--set", "token=a-token-that-shows-nowhere")
    assert of_kind("Secret", *words)["lab"]["data"]["token"] == "YS10b2tlbi10aGF0LXNob3dzLW5vd2hlcmU="
    assert "a-token-that-shows-nowhere" not in json.dumps(rendered(*words))


def test_an_ingress_needs_a_token_and_a_host():
    assert "token" in refused("--set", "ingress.enabled=true,ingress.host=lab.example.com")
    assert "host" in refused("--set", "ingress.enabled=true,token=a-long-token")
    (control_room,) = pods(*ALL_ON)["control-room"]["containers"]
    environ = {variable["name"]: variable.get("value") for variable in control_room["env"]}
    assert environ["LAB_BIND"] == "0.0.0.0"  # so that the control room itself refuses to start without one
    assert "lab.example.com" in environ["LAB_HOSTS"].split()


@pytest.mark.parametrize("change", ["tokn=x", "token=short", "images.pullPolicy=Often", "resources.limits.cpu=lots"])
def test_values_that_make_no_sense_are_refused(change):
    assert change.partition("=")[0].rpartition(".")[2] in refused("--set", change)


def test_a_pod_that_is_cut_off_is_in_no_policy_that_lets_it_out():
    made = of_kind("NetworkPolicy")
    assert made["nobody"]["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in made["nobody"]["spec"]
    cut_off = {"key": "lab/cut-off", "operator": "DoesNotExist"}
    assert made["the-lab"]["spec"]["podSelector"]["matchExpressions"] == [cut_off]


def test_the_chart_has_the_version_of_the_lab():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == version


def test_the_images_prometheus_is_that_of_compose():
    (prometheus,) = pods()["prometheus"]["containers"]
    assert f"PROMETHEUS_IMAGE={prometheus['image']}\n" in (ROOT / ".env").read_text()


@pytest.mark.parametrize(
    ("context", "server", "told"),
    [
        ("production", "https://127.0.0.1:6443", "is no cluster made for tests"),
        ("lab-production", "https://127.0.0.1:6443", "is no cluster made for tests"),
        ("kind-lab", "https://192.0.2.1:6443", "not on this machine"),
        ("lab", "https://cluster.example.com", "not on this machine"),
        ("kind-lab", "https://127.0.0.1:6443", None),
        ("lab", "https://127.0.0.1:6443", None),
    ],
)
def test_no_other_cluster_is_touched(context, server, told):
    reason = why_not(context, server)
    assert reason is None if told is None else told in reason


def test_an_address_of_this_machine():
    assert is_of_this_machine("https://127.0.0.1:6443")
    assert not is_of_this_machine("https://192.0.2.1:6443")
