"""The documents follow the code."""

import re
from dataclasses import fields

import pytest

from docs.generate import ROOT, generated, tables
from services.common.scenes.files import all_scenes, read_scene
from services.common.scenes.measures import MEASURES
from services.common.scenes.model import Expectation, Scene, Step, Switched


@pytest.mark.parametrize("document", tables())
def test_the_tables_are_those_of_the_catalogue_and_the_scenes(document):
    assert generated(document) == (ROOT / document).read_text(), "run: .venv/bin/python -m docs.generate"


@pytest.mark.parametrize("scene", all_scenes().values(), ids=all_scenes())
def test_the_table_of_the_patterns_has_every_number_of_every_scene(scene):
    text = (ROOT / "docs" / "patterns.md").read_text()
    missing = [entry.text for entry in scene.expect if f"| {entry.text} | {entry.expected()} |" not in text]
    assert not missing, "docs/adding-a-scene.md says how its numbers come into the table"


ADDING_A_SCENE = ROOT / "docs" / "adding-a-scene.md"


def test_the_scene_of_the_document_can_be_played(tmp_path):
    found = re.search(r"```toml\n(.*?)```", ADDING_A_SCENE.read_text(), re.DOTALL)
    file = tmp_path / "some_errors.toml"
    file.write_text(found[1])
    assert read_scene(file).duration_seconds == 30


def test_the_document_names_every_measure_and_every_key_of_a_scene():
    text = ADDING_A_SCENE.read_text()
    keys = {field.name for kind in (Scene, Step, Switched, Expectation) for field in fields(kind)} - {"name", "expect"}
    unnamed = [name for name in {*MEASURES, *keys} if f"`{name}`" not in text and f"`[[{name}]]`" not in text]
    assert not unnamed
