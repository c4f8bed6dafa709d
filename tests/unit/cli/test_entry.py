"""scripts/lab as a program."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from labcli.examples import EXAMPLES
from tests.unit.cli.conftest import SCRIPTS, Lab

# The services' packages are not there for it: -I and -S leave the standard library alone.
BARE = [sys.executable, "-I", "-S"]


def test_it_runs_from_anywhere_through_a_link_with_the_standard_library_alone(tmp_path: Path) -> None:
    link = tmp_path / "lab"
    link.symlink_to(SCRIPTS / "lab")
    done = subprocess.run([*BARE, str(link), "--help"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "a first tour" in done.stdout


def test_an_old_python_gets_a_sentence() -> None:
    program = (SCRIPTS / "lab").read_text().replace("(3, 11)", "(99, 0)")
    done = subprocess.run([*BARE, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("lab: needs Python 3.11 or newer; this is ")


@pytest.mark.parametrize(
    ("arguments", "told"), [(["--help"], b""), (["status", "--json"], rb"lab: the control room .*\n  .*\n")]
)
def test_a_reader_that_has_enough_is_no_error(arguments: list[str], told: bytes) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    nowhere = {**os.environ, "LAB_URL": "http://127.0.0.1:1"}
    done = subprocess.run(
        [sys.executable, SCRIPTS / "lab", *arguments], stdout=writing, stderr=subprocess.PIPE, env=nowhere, check=False
    )
    os.close(writing)
    assert done.returncode == 0
    assert re.fullmatch(told, done.stderr)  # what the command has to say, and nothing about a pipe


@pytest.mark.parametrize("command", sorted(EXAMPLES))
def test_the_help_of_every_command_shows_examples_that_parse(lab: Lab, command: str) -> None:
    done = lab(*command.split(), "--help")
    assert done.code == 0
    assert f"  ./scripts/lab {command}" in done.out


@pytest.mark.parametrize("words", [["fail", "api", "a\udcff"], ["scene", "\udcff"], ["-p", "\udcff", "status"]])
def test_an_argument_that_is_no_text_is_a_usage_error(lab: Lab, words: list[str]) -> None:
    done = lab(*words)
    assert done.code == 2 and "\\udcff" in done.err and "Traceback" not in done.err
