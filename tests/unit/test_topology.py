"""The topology: everything about which services there are follows from it, and nothing else writes their names."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from labcli.containers import (
    CHART,
    COMPOSE,
    chart_services,
    compose_file,
    container_addresses,
    scrape_configuration,
)
from services.common.switches.catalogue import CATALOGUE
from services.common.topology import ADMIN_PORT, BY_NAME, CHAIN, SERVICES, SWITCHED, ServiceSpec, instances
from services.control_room.app import create_app

ROOT = Path(__file__).resolve().parents[2]
CONTAINERS = yaml.safe_load(COMPOSE.read_text())["services"]
# Where a name is the thing itself: the apps, the catalogue, scenes, and boards that tell a story.
MAY_NAME = (
    "services/common/topology.py",
    "services/common/switches/catalogue.py",
    *(f"services/{app}/app.py" for app in ("api", "database", "frontend", "traffic", "control_room")),
    "grafana/boards/",
)
ALSO_WORDS = {"traffic", "api"}  # a key of /api/state, and of a Grafana button


def strings(path: Path) -> set[str]:
    """Every string of a module that is a service's name, except where it is the key of a document."""
    tree = ast.parse(path.read_text())
    keys = {
        id(node)
        for parent in ast.walk(tree)
        for node in (
            parent.keys
            if isinstance(parent, ast.Dict)
            else [parent.slice]
            if isinstance(parent, ast.Subscript)
            else parent.args
            if isinstance(parent, ast.Call)
            else []
        )
        if isinstance(node, ast.Constant) and node.value in ALSO_WORDS
    }
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in keys]
    return {str(node.value) for node in found} & set(BY_NAME)


def test_no_other_module_writes_a_services_name():
    listed = subprocess.run(
        ["git", "ls-files", "services", "labcli", "simulation", "benchmarks", "grafana"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    modules = [name for name in listed if name.endswith(".py") and not name.startswith(MAY_NAME)]
    assert len(modules) > 80
    named = {name: found for name in modules if (found := strings(ROOT / name))}
    assert named == {}


def test_it_needs_the_standard_library_alone():
    code = "import sys; import services.common.topology; print(*sys.modules)"
    loaded = subprocess.run(["python3", "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"],
                            capture_output=True, text=True, check=True).stdout  # fmt: skip
    assert not {"flask", "requests", "prometheus_client", "psutil"} & set(loaded.split())


def test_the_chains_containers_are_those_of_the_topology():
    text = COMPOSE.read_text()
    assert text == compose_file(text), "run python -m labcli.containers"


def test_the_charts_services_are_those_of_the_topology():
    assert CHART.read_text() == chart_services(), "run python -m labcli.containers"


@pytest.mark.parametrize("spec", SERVICES, ids=lambda spec: spec.name)
def test_compose_starts_what_the_topology_says(spec):
    for instance in spec.instances:
        container = CONTAINERS[instance.name]
        assert container["build"]["target"] == ("chain" if spec in CHAIN else spec.name)
        assert container["image"] == f"${{LAB_IMAGES}}/{spec.name}:${{LAB_TAG}}"
        ports = container.get("ports", [])
        assert [port.split(":")[-2] for port in ports] == ([f"${{{spec.published}}}"] if spec.published else [])
    services = {name for name, container in CONTAINERS.items() if "build" in container}
    assert services == {instance.name for instance in instances()}


def test_prometheus_scrapes_every_instance_under_its_name():
    text = (ROOT / "prometheus" / "prometheus.yml").read_text()
    assert text == scrape_configuration(container_addresses(), "rules/*.yml"), "run python -m labcli.containers"
    jobs = yaml.safe_load(text)["scrape_configs"]
    found = {
        (job["job_name"], target["labels"]["instance"], *target["targets"])
        for job in jobs
        for target in job["static_configs"]
    }
    wanted = {(each.spec.name, each.name, f"{each.name}:{ADMIN_PORT}") for each in instances(SWITCHED)}
    assert found == wanted | {("control-room", "control-room", "control-room:8080")}


def test_what_has_switches_is_in_the_catalogue_and_calls_go_to_what_there_is():
    assert set(CATALOGUE) == {spec.name for spec in SWITCHED}
    assert {called for spec in SERVICES for called in spec.calls} <= set(BY_NAME)


def test_an_instance_has_its_services_name_while_it_is_alone():
    assert [each.name for each in ServiceSpec("api", 64, 512).instances] == ["api"]
    found = ServiceSpec("api", 64, 512, local_data_port=8001, replicas=3).instances
    assert [(each.name, each.local_data_port, each.variable) for each in found] == [
        ("api-1", 8001, "API_1"),
        ("api-2", 8011, "API_2"),
        ("api-3", 8021, "API_3"),
    ]


def test_the_api_tells_the_topology(make_settings):
    found = create_app(make_settings("control-room")).test_client().get("/api/topology").json["services"]
    told = {each["name"]: (each["calls"], each["instances"], each["published"], each["title"]) for each in found}
    assert told["api"] == (["database"], ["api-1", "api-2", "api-3"], None, "api")
    assert told["traffic"] == (["frontend"], ["traffic"], None, "users")
    assert told["frontend"] == (["api"], ["frontend"], "FRONTEND_PORT", "frontend")


def test_the_page_writes_no_services_name():
    listed = subprocess.run(
        ["git", "ls-files", "services/control_room/page/static/*.js"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    modules = [name for name in listed if "/vendor/" not in name]
    assert len(modules) > 20
    named = {
        name: found
        for name in modules
        if (found := re.findall(r"[\"'](frontend|database|api)[\"']", (ROOT / name).read_text()))
    }
    assert named == {}
