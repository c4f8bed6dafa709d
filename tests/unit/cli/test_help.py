"""Help, version, words that were mistyped, and completion."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from labcli.arguments import parser
from labcli.completion import SHELLS, candidates

REPO = Path(__file__).resolve().parents[3]
LAB = REPO / "scripts" / "lab"


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([LAB, *words], capture_output=True, text=True, check=False, timeout=30)


def test_lab_alone_and_lab_help_show_the_tour() -> None:
    alone, help_ = run(), run("help")
    assert (alone.returncode, help_.returncode) == (0, 0)
    assert "a first tour:" in alone.stdout and alone.stdout == help_.stdout


def test_a_commands_own_help_is_asked_for_in_either_way() -> None:
    assert run("help", "scene").stdout == run("scene", "--help").stdout
    refused = run("help", "stauts")
    assert refused.returncode == 2 and "did you mean status?" in refused.stderr


def test_the_version_is_the_projects() -> None:
    version = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]["version"]
    assert run("--version").stdout == f"sre-failure-lab {version}\n"


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (["stauts"], "there is no command 'stauts'; did you mean status?"),
        (["infra", "kil", "api"], "did you mean kill?"),
        (["completion", "tcsh"], "shells: bash, fish, zsh"),
    ],
)
def test_a_word_that_was_mistyped_gets_the_nearest_one(words: list[str], advice: str) -> None:
    refused = run(*words)
    assert refused.returncode == 2 and advice in refused.stderr


@pytest.mark.parametrize(
    ("before", "word"),
    [
        ([], "scene"),
        ([], "--port-offset"),
        (["class"], "board"),
        (["class", "scene"], "retry_storm"),
        (["class", "up"], "--teams"),
        (["fail"], "api-2"),
        (["fail", "api-2"], "latency"),
        (["fail", "api-2", "latency"], "delay_seconds="),
        (["defend", "frontend"], "outlier_ejection"),
        (["set", "frontend", "upstream"], "policy="),
        (["scene"], "retry_storm"),
        (["bet"], "reveal"),
        (["report"], "--output"),
        (["bet", "open"], "retry_storm"),
        (["bet", "open", "retry_storm"], "after_it"),
        (["workshop"], "run"),
        (["workshop", "run"], "talk"),
        (["workshop", "run"], "--rehearse"),
        (["predict"], "--compare-policies"),
        (["infra"], "limit-cpu"),
        (["infra", "kill"], "control-room"),
        (["up"], "--local"),
        (["completion"], "--json"),
    ],
)
def test_completion_knows_every_word(before: list[str], word: str) -> None:
    assert word in candidates(parser(), before)


@pytest.mark.parametrize(
    "before",
    [
        ["nope"],
        ["workshop", "nope"],
        ["workshop", "end"],
        ["bet", "open", "nope"],
        ["fail", "nope"],
        ["fail", "api", "nope"],
        ["class", "board"],
    ],
)
def test_completion_has_nothing_where_nothing_fits(before: list[str]) -> None:
    assert [word for word in candidates(parser(), before) if not word.startswith("-")] == []


def test_what_only_completion_asks_is_in_no_list() -> None:
    assert "complete" not in candidates(parser(), []) and "completion" in candidates(parser(), [])


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_every_shell_that_is_here_reads_its_completion(shell: str) -> None:
    text = run("completion", shell).stdout
    assert str(LAB) in text
    if shutil.which(shell):
        assert subprocess.run([shell, "-n"], input=text, capture_output=True, text=True, check=False).returncode == 0


def test_bash_completes_with_it() -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash")
    script = (
        f'eval "$({LAB} completion bash)"; COMP_WORDS=({LAB} scene gray); COMP_CWORD=2; _lab; echo "${{COMPREPLY[@]}}"'
    )
    done = subprocess.run([bash, "-c", script], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout == "gray_failure\n"
