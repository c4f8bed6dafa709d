"""The documents follow the code."""

import pytest

from scripts.generate_docs import ROOT, generated, tables
from services.control_room.scene_files import all_scenes


@pytest.mark.parametrize("document", tables())
def test_the_tables_are_those_of_the_catalogue_and_the_scenes(document):
    assert generated(document) == (ROOT / document).read_text(), "run: .venv/bin/python -m scripts.generate_docs"


@pytest.mark.parametrize("scene", all_scenes().values(), ids=all_scenes())
def test_the_table_of_the_patterns_has_every_number_of_every_scene(scene):
    text = (ROOT / "docs" / "patterns.md").read_text()
    missing = [entry.text for entry in scene.expect if f"| {entry.text} | {entry.expected()} |" not in text]
    assert not missing, "play the scene and write the table: python -m scripts.patterns_table"
