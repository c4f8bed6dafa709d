"""The table of docs/patterns.md, from results that are kept."""

from __future__ import annotations

import json
import sys
import tomllib

import pytest

from benchmarks import patterns_table
from services.common.scenes.files import all_scenes, find_scene


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


def test_what_is_not_modelled_says_so(tmp_path):
    texts = [entry.text for entry in find_scene("normal").expect]
    (tmp_path / "normal-1.json").write_text(json.dumps({"checks": [{"text": text, "value": 1} for text in texts]}))
    assert "not modelled" in patterns_table.rows_of(find_scene("normal"), tmp_path, {})[2]


@pytest.fixture
def document(tmp_path, monkeypatch):
    """A copy of the document, to write into."""
    copy = tmp_path / "patterns.md"
    copy.write_text(patterns_table.DOCUMENT.read_text())
    monkeypatch.setattr(patterns_table, "DOCUMENT", copy)
    return copy


def test_the_rows_of_one_scene_are_written_and_the_others_stay(results, document):
    before = document.read_text().splitlines()
    assert patterns_table.write(["pool_exhaustion"], results) == 0
    after = document.read_text().splitlines()
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert changed and all("half of the requests succeed" in row or "pool_exhaustion" in row for row in changed)


def test_the_rows_of_a_new_scene_come_below_all_others(document):
    before = document.read_text().splitlines()
    text = patterns_table.with_rows(document.read_text(), "new_scene", ["| `new_scene` | one |", "|  | two |"])
    after = text.splitlines()
    at = after.index("| `new_scene` | one |")
    assert [*after[:at], *after[at + 2 :]] == before
    assert after[at - 1].startswith("|  | ") and after[at + 1 : at + 3] == ["|  | two |", ""]


def test_without_results_of_every_scene_nothing_is_written(results, document, capsys):
    before = document.read_text()
    assert patterns_table.write(list(all_scenes()), results) == 1
    assert document.read_text() == before
    assert "no results of normal, " in capsys.readouterr().out


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
