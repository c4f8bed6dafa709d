"""What Prometheus scrapes: every instance of every service, each second. Standard library alone."""

from __future__ import annotations

import json
from collections.abc import Mapping

from services.common.topology import ADMIN_PORT, CONTROL_ROOM, SERVICES, instances

CONTROL_ROOM_PORT = 8080  # of its container
HEAD = """\
# Made by python -m grafana.generate: every instance's admin port, each second. A job is a service.
global:
  scrape_interval: 1s
  scrape_timeout: 900ms
  evaluation_interval: 1s
"""


def container_addresses() -> dict[str, str]:
    """Where each instance is scraped in containers: host:port by the name of the instance."""
    return {
        instance.name: f"{instance.name}:{CONTROL_ROOM_PORT if instance.spec == CONTROL_ROOM else ADMIN_PORT}"
        for instance in instances()
    }


def scrape_configuration(addresses: Mapping[str, str], rule_files: str) -> str:
    """Prometheus' configuration, as YAML: these addresses, by the name of the instance, and these rules."""
    lines = [HEAD, f"rule_files: [{json.dumps(rule_files)}]", "", "scrape_configs:"]
    for spec in SERVICES:
        lines += [f"  - job_name: {spec.name}", "    static_configs:"]
        for instance in spec.instances:
            target = json.dumps([addresses[instance.name]])
            lines.append(f"      - {{ targets: {target}, labels: {{ instance: {instance.name} }} }}")
    return "\n".join(lines) + "\n"
