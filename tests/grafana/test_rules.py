"""The rules are valid, fire when they should, stay quiet when they should, and tell what to do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest

from tests.grafana.reading import RULE_TESTS, RULES, rules


@pytest.fixture
def promtool():
    """Runs promtool; its output when it succeeds."""
    if shutil.which("promtool") is None:
        reason = "promtool is not on PATH"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)

    def run(*arguments: str, expect: int = 0) -> str:
        done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout

    return run


def test_promtool_finds_nothing_wrong_with_the_rules(promtool):
    said = promtool("check", "rules", "--lint=all", "--lint-fatal", *map(str, RULES.glob("*.yml")))
    found = sum(int(number) for number in re.findall(r"(\d+) rules found", said))
    assert found == len(rules()), "tests/grafana/reading.py has missed a rule"


def test_every_alert_fires_in_its_case_and_none_at_rest(promtool):
    promtool("test", "rules", *map(str, RULE_TESTS.glob("*.yml")))


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("lab:burn_rate:1m > 10", "lab:burn_rate:1m > 60"),
        ('reason="memory"} == 2', 'reason="memory"} == 3'),
        ("for: 20s", "for: 10m"),
    ],
)
def test_the_rule_tests_notice_a_rule_that_is_wrong(promtool, tmp_path, good, bad):
    for folder in (RULES, RULE_TESTS):
        shutil.copytree(folder, tmp_path / folder.name)
    alerts = tmp_path / "rules" / "alerts.yml"
    assert good in alerts.read_text()
    alerts.write_text(alerts.read_text().replace(good, bad))
    promtool("test", "rules", str(tmp_path / "tests" / "rules_test.yml"), expect=1)


def test_each_alert_has_a_case_in_which_it_fires():
    cases = "".join(path.read_text() for path in RULE_TESTS.glob("*.yml"))
    assert {rule.where for kind, rule in rules() if kind == "alert" and f'"{rule.where}"' not in cases} == set()


def test_each_alert_tells_what_is_wrong_what_it_means_and_what_to_do():
    text = (RULES / "alerts.yml").read_text()
    alerts = text.split("- alert: ")[1:]
    assert len(alerts) == len([rule for kind, rule in rules() if kind == "alert"])
    for alert in alerts:
        keys = re.findall(r"^ +(\w+):", alert, re.M)
        for key in ("severity", "about", "story", "summary", "description"):
            assert keys.count(key) == 1, (alert, key)
        assert keys.count("action") == 2, alert  # a label, for the table, and an annotation
