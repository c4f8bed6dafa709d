"""What follows from the topology for containers: Compose's, what Prometheus scrapes, and the Helm chart's services.

`python -m labcli.containers` writes all three. Standard library alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from services.common.topology import (
    ADMIN_PORT,
    CHAIN,
    CONTROL_ROOM,
    DATA_PORT,
    SERVICES,
    Instance,
    ServiceSpec,
    instances,
)

REPO = Path(__file__).resolve().parents[1]
COMPOSE, PROMETHEUS = REPO / "docker-compose.yml", REPO / "prometheus" / "prometheus.yml"
CHART = REPO / "kubernetes" / "files" / "topology.json"
BEGIN, END = "  # <chain> made by python -m labcli.containers\n", "  # </chain>\n"
CONTROL_ROOM_PORT = 8080  # of its container
HEAD = """\
# Made by python -m labcli.containers: every instance's admin port, each second. A job is a service.
global:
  scrape_interval: 1s
  scrape_timeout: 900ms
  evaluation_interval: 1s
"""


def container_addresses() -> dict[str, str]:
    """Where each instance is scraped in containers: host:port by the name of the instance."""
    return {instance.name: f"{instance.name}:{_ports(instance.spec)['admin']}" for instance in instances()}


def _ports(spec: ServiceSpec) -> dict[str, int]:
    """The ports of a service's containers, by what they are for; the control room's two planes are one."""
    if spec == CONTROL_ROOM:
        return {"admin": CONTROL_ROOM_PORT}
    return {"admin": ADMIN_PORT, **({"data": DATA_PORT} if spec in CHAIN else {})}


def scrape_configuration(addresses: Mapping[str, str], rule_files: str) -> str:
    """Prometheus' configuration, as YAML: these addresses, by the name of the instance, and these rules."""
    lines = [HEAD, f"rule_files: [{json.dumps(rule_files)}]", "", "scrape_configs:"]
    for spec in SERVICES:
        lines += [f"  - job_name: {spec.name}", "    static_configs:"]
        for instance in spec.instances:
            target = json.dumps([addresses[instance.name]])
            lines.append(f"      - {{ targets: {target}, labels: {{ instance: {instance.name} }} }}")
    return "\n".join(lines) + "\n"


def chain_containers() -> str:
    """The containers of the chain's instances, as a part of docker-compose.yml."""
    return "\n".join(_container(instance) for instance in instances(CHAIN))


def _container(instance: Instance) -> str:
    spec = instance.spec
    limit = f"${{{spec.memory_variable}}}" if spec.memory_variable else f"{spec.memory_mb}m"
    lines = [
        f"  {instance.name}:",
        "    <<: *service",
        f"    image: ${{LAB_IMAGES}}/{spec.name}:${{LAB_TAG}}",
        "    build:",
        "      context: .",
        "      dockerfile: services/Dockerfile",
        "      target: chain",
        f'      args: {{ PYTHON_IMAGE: "${{PYTHON_IMAGE}}", SERVICE: {spec.name} }}',
        f"    environment: {{ INSTANCE: {instance.name} }}",
    ]
    if spec.published:
        lines.append(f'    ports: ["${{LAB_PUBLISH:-127.0.0.1}}:${{{spec.published}}}:{DATA_PORT}"]')
    return "\n".join([*lines, f"    mem_limit: {limit}", f"    memswap_limit: {limit}"]) + "\n"


def compose_file(text: str) -> str:
    """docker-compose.yml with the chain's containers as the topology has them."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + chain_containers() + END + after


def chart_services() -> str:
    """The services as the Helm chart's templates read them, JSON: ports by name, the memory limit as a quantity."""
    services = [
        {
            "name": spec.name,
            "instances": [instance.name for instance in spec.instances],
            "ports": _ports(spec),
            "memory": f"{spec.memory_mb}Mi",
        }
        for spec in SERVICES
    ]
    return json.dumps({"services": services}, indent=2) + "\n"


def main() -> None:
    """Write the three files."""
    COMPOSE.write_text(compose_file(COMPOSE.read_text()))
    PROMETHEUS.write_text(scrape_configuration(container_addresses(), "rules/*.yml"))
    CHART.write_text(chart_services())


if __name__ == "__main__":
    main()
