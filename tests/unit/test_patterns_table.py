"""The tables of docs/patterns/, from results that are kept."""

from __future__ import annotations

import json
import shutil
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
    why = {"queries take 2 s: half of the requests succeed": "chance"}
    made = patterns_table.table(find_scene("pool_exhaustion"), results, why)
    _, _, first, second, _, _, legend = made.splitlines()
    assert first.startswith("| before: every request succeeds |") and first.endswith("| 100 % | 100 % |  |")
    assert "| 40 to 60 % | 5" in second and second.endswith("| 50 % (47 to 54 %) | chance |")
    assert legend == "Medians, with least and most. Runs: simulated 20, real 3."


def test_what_is_not_modelled_says_so(tmp_path):
    texts = [entry.text for entry in find_scene("normal").expect]
    (tmp_path / "normal-1.json").write_text(json.dumps({"checks": [{"text": text, "value": 1} for text in texts]}))
    assert "memory stays flat | at most 5 MB a minute | not modelled |" in patterns_table.table(
        find_scene("normal"), tmp_path, {}
    )


@pytest.fixture
def pages(tmp_path, monkeypatch):
    """A copy of the pages, to write into."""
    copies = shutil.copytree(patterns_table.PAGES, tmp_path / "patterns")
    monkeypatch.setattr(patterns_table, "PAGES", copies)
    return copies


def everything(pages):
    """All lines of all pages."""
    return [line for page in sorted(pages.iterdir()) for line in page.read_text().splitlines()]


def test_the_table_of_one_scene_is_written_and_the_others_stay(results, pages):
    before = everything(pages)
    assert patterns_table.write(["pool_exhaustion"], results) == 0
    changed = [new for old, new in zip(before, everything(pages), strict=True) if old != new]
    assert [row.split(" | ")[0] for row in changed] == ["| queries take 2 s: half of the requests succeed"]
    assert "50 % (47 to 54 %)" in changed[0]


def test_an_empty_place_takes_a_table():
    page = "above\n<!-- table new -->\n<!-- /table -->\nbelow\n"
    expected = "above\n<!-- table new -->\n| one |\n<!-- /table -->\nbelow\n"
    assert patterns_table.with_table(page, "new", "| one |") == expected


def test_a_page_with_no_place_for_it_is_said():
    with pytest.raises(ValueError, match="0 places for the table of new"):
        patterns_table.with_table("<!-- table old -->\n<!-- /table -->\n", "new", "| one |")


def test_without_results_of_every_scene_nothing_is_written(results, pages, capsys):
    before = everything(pages)
    assert patterns_table.write(list(all_scenes()), results) == 1
    assert everything(pages) == before
    assert "no results of normal, " in capsys.readouterr().out


def test_remarks_are_about_scenes_and_expectations_that_there_are():
    found = tomllib.loads(patterns_table.REMARKS.read_text())
    assert found.keys() == all_scenes().keys()
    for name, remarks in found.items():
        assert {"group"} <= remarks.keys() <= {"group", "why"}
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
