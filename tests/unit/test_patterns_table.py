"""The table of docs/patterns.md, from results that are kept."""

from __future__ import annotations

import json
import sys
import tomllib

import pytest

from scripts import patterns_table
from services.control_room.scene_files import all_scenes, find_scene


@pytest.fixture
def results(tmp_path):
    """Three runs of pool_exhaustion, and one of another version of it."""
    texts = [entry.text for entry in find_scene("pool_exhaustion").expect]
    for number, values in enumerate([(1.0, 0.5, 1.0), (1.0, 0.54, 1.0), (1.0, 0.47, 1.0)], start=1):
        checks = [{"text": text, "value": value} for text, value in zip(texts, values, strict=True)]
        (tmp_path / f"pool_exhaustion-{number}.json").write_text(json.dumps({"checks": checks}))
    old = [{"text": "another", "value": 0.0}]
    (tmp_path / "pool_exhaustion-4.json").write_text(json.dumps({"checks": old}))
    return tmp_path


def test_a_row_has_expected_predicted_measured_and_why(results):
    remarks = {"literature": "Little", "why": {"queries take 2 s: half of the requests succeed": "chance"}}
    first, second, _ = patterns_table.rows_of(find_scene("pool_exhaustion"), results, remarks)
    assert first.startswith("| `pool_exhaustion` | before") and "| 100 % | 100 % | Little |" in first
    assert "| 40 to 60 % | 5" in second and "| 50 % (47 to 54 %) |  | chance |" in second


def test_what_was_not_played_and_what_is_not_modelled_says_so(tmp_path):
    rows = patterns_table.rows_of(find_scene("normal"), tmp_path, {})
    assert "not measured" in rows[0]
    assert "not modelled" in rows[2]


def test_the_document_has_a_place_for_it():
    assert len(patterns_table.MARKED.findall(patterns_table.DOCUMENT.read_text())) == 1


def test_remarks_are_about_scenes_and_expectations_that_there_are():
    for name, remarks in tomllib.loads(patterns_table.REMARKS.read_text()).items():
        assert remarks.keys() <= {"literature", "why"}
        assert remarks.get("why", {}).keys() <= {entry.text for entry in all_scenes()[name].expect}


def test_what_was_played_is_kept_and_not_played_again(tmp_path, monkeypatch, capsys):
    lab = tmp_path / "lab"
    lab.write_text(f'#!{sys.executable}\nprint(\'{{"checks": [], "verified": true}}\')\n')
    lab.chmod(0o755)
    monkeypatch.setattr(patterns_table, "LAB", lab)
    assert patterns_table.play(["normal"], 2, tmp_path / "results") == 0
    assert "2/2  normal 2: as expected" in capsys.readouterr().out
    assert patterns_table.play(["normal"], 3, tmp_path / "results") == 0
    assert "1 of 3 runs" in capsys.readouterr().out


def test_a_run_that_was_not_judged_is_said(tmp_path, monkeypatch, capsys):
    lab = tmp_path / "lab"
    lab.write_text("#!/bin/sh\nexit 1\n")
    lab.chmod(0o755)
    monkeypatch.setattr(patterns_table, "LAB", lab)
    assert patterns_table.play(["normal"], 1, tmp_path / "results") == 1
    assert "could not be judged" in capsys.readouterr().out
