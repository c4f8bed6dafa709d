"""Every metric and label that a dashboard or rule names is one that the services expose."""

from __future__ import annotations

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from services.api.app import create_app as create_api
from services.common.process.memory import MB
from services.common.process.settings import Settings
from services.control_room.app import create_app as create_control_room
from services.database.app import create_app as create_database
from services.frontend.app import create_app as create_frontend
from services.traffic.app import create_service as create_traffic
from tests.grafana.reading import annotation_expressions, panel_expressions, rules

# What Prometheus makes itself, and the labels that a scrape adds.
OWN = {
    "up": [{"job": "control-room", "instance": ""}],
    "ALERTS": [{"alertname": "", "alertstate": "firing", "severity": "", "story": "", "action": ""}],
}
JOBS = ("frontend", "api", "database", "traffic", "control-room")
WORDS = {"by", "on", "and", "or", "unless", "bool", "group_left", "offset", "without", "ignoring"}
SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\s*(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(=~|!=|=|!~)\s*"([^"]*)"')


@pytest.fixture(scope="module")
def exposed(tmp_path_factory):
    """{metric: [its label sets]}, from the exposition of every service, made in this process."""

    def settings(service):
        folder = tmp_path_factory.mktemp(service)
        (folder / "memory.max").write_text(str(512 * MB))
        return Settings.from_env({"SERVICE": service, "STATE_DIR": str(folder), "CGROUP_DIR": str(folder)})

    texts = {}
    for name, create in (("api", create_api), ("frontend", create_frontend), ("database", create_database)):
        texts[name] = create(settings(name)).extensions["lab"].service.metrics_text().decode()
    service, _ = create_traffic(settings("traffic"))
    texts["traffic"] = service.metrics_text().decode()
    http = create_control_room(settings("control-room")).test_client()
    texts["control-room"] = http.get("/metrics", headers={"Host": "localhost"}).text
    found = {name: list(labels) for name, labels in OWN.items()}
    for job, text in texts.items():
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = {**sample.labels, "job": job, "instance": ""}
                found.setdefault(sample.name, []).append(labels)
    return found


@pytest.fixture(scope="module")
def known(exposed):
    """What is exposed, and what the rules make of it."""
    names = {rule.where for kind, rule in rules() if kind == "record"}
    return {**exposed, **dict.fromkeys(names)}


def everything():
    found = [*panel_expressions(), *annotation_expressions(), *(rule for _, rule in rules())]
    return [pytest.param(one.expr, id=f"{one.board}: {one.where}") for one in found]


def selectors(expr):
    """Each metric of an expression with its matchers; functions, words and grouping labels are left out."""
    expr = re.sub(r"\b(by|on|without|ignoring|group_left)\s*\([^)]*\)", " ", expr)
    expr = re.sub(r"\[[^\]]*\]|\boffset \w+", " ", expr)
    strings = []

    def keep(match):
        strings.append(match[0])
        return f'"{len(strings) - 1}"'

    expr = re.sub(r'"[^"]*"', keep, expr)
    for match in SELECTOR.finditer(expr):
        name, rest = match[1], expr[match.end() :].lstrip()
        inside_matchers = expr[: match.start()].count("{") > expr[: match.start()].count("}")
        if inside_matchers or name in WORDS or (match[2] is None and rest.startswith("(")):
            continue
        if re.fullmatch(r"e\d*", name):  # of a number such as 1e9
            continue
        matchers = [
            (label, how, strings[int(number)].strip('"')) for label, how, number in MATCHER.findall(match[2] or "")
        ]
        yield name, matchers


def test_the_reader_of_expressions_finds_metrics_and_matchers():
    expr = 'sum by (le) (rate(a_bucket{job="x", k!="y"}[5s])) / on (job) group_left () (lab:b:15s offset 5m > bool 0)'
    assert list(selectors(expr)) == [("a_bucket", [("job", "=", "x"), ("k", "!=", "y")]), ("lab:b:15s", [])]


@pytest.mark.parametrize("expr", everything())
def test_every_metric_and_label_exists(known, expr):
    for name, matchers in selectors(expr):
        assert name in known, f"no service exposes {name}"
        if known[name] is None:
            continue
        for label, how, wanted in matchers:
            values = {labels.get(label) for labels in known[name]} - {None}
            assert values, f"{name} has no label {label}"
            fits = {"=": wanted in values, "!=": values != {wanted}}
            fits["=~"] = any(re.fullmatch(wanted, value) for value in values)
            assert fits[how] or name == "ALERTS", f"{name} has no {label}{how}{wanted!r}, only {sorted(values)}"


@pytest.mark.parametrize("expr", everything())
def test_every_label_that_series_are_grouped_by_exists(exposed, expr):
    labels = {label for series in exposed.values() for one in series for label in one} | {
        "quantile",
        "resource",
        "reason",
    }
    for grouping in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expr):
        wanted = {label.strip() for label in grouping.split(",")} - {""}
        assert wanted <= labels
