"""report: printed with its charts in it, or written with the charts as files beside it."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Lab, Room, a_problem

SVG = "<svg><title>Success: 5 &amp; 6</title></svg>"


def chart(name: str) -> str:
    return f"![{name}: 0 % to 100 %](data:image/svg+xml;base64,{b64encode(SVG.encode()).decode()})"


REPORT = f"# A storm\n\nWorse.\n\n{chart('Success')}\n\n{chart('Latency (log scale)')}\n"


@pytest.fixture
def reporting(room: Room) -> Room:
    room.answers["GET", "/api/report"] = 200, REPORT
    return room


def test_alone_it_is_printed_as_it_came(reporting: Room, lab: Lab) -> None:
    done = lab("report")
    assert (done.code, done.out) == (0, REPORT)
    assert lab("report", "--json").documents == [{"report": REPORT}]


def test_in_a_folder_the_charts_are_files_beside_it(reporting: Room, lab: Lab, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "storm"
    done = lab("report", "--output", str(folder))
    assert done.code == 0
    assert done.out.splitlines() == [str(folder / name) for name in ("report.md", "success.svg", "latency.svg")]
    text = (folder / "report.md").read_text()
    assert (
        "![Success: 0 % to 100 %](success.svg)" in text and "![Latency (log scale): 0 % to 100 %](latency.svg)" in text
    )
    assert "base64" not in text and text.startswith("# A storm\n\nWorse.\n")
    assert (folder / "success.svg").read_text() == (folder / "latency.svg").read_text() == SVG


def test_a_folder_that_is_none_is_said(reporting: Room, lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = lab("report", "--output", str(tmp_path / "file"))
    assert done.code == 1 and "the report cannot be written" in done.err


def test_it_is_the_presenters_and_comes_with_the_token(
    reporting: Room, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_TOKEN", "a secret")
    lab("report")
    assert reporting.seen[-1].headers["Authorization"] == "Bearer a secret"
    lab("status")
    assert "Authorization" not in reporting.seen[-1].headers
    reporting.answers["GET", "/api/report"] = a_problem(409, title="This cannot be done now", detail="a drill is on")
    done = lab("report")
    assert done.code == 1 and "a drill is on" in done.err
