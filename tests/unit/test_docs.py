"""The documents follow the code."""

import re
import tomllib
from dataclasses import fields

import pytest

from benchmarks.patterns_table import PAGES, REMARKS, marked
from docs.generate import ROOT, generated, tables
from services.common.scenes.files import all_scenes, read_scene
from services.common.scenes.measures import MEASURES
from services.common.scenes.model import Expectation, Scene, Step, Switched
from services.control_room.workshop.files import all_plans
from services.control_room.workshop.model import Part, Plan


@pytest.mark.parametrize("document", tables())
def test_the_tables_are_those_of_the_catalogue_and_the_scenes(document):
    assert generated(document) == (ROOT / document).read_text(), "run: .venv/bin/python -m docs.generate"


def sections_about(scene):
    """{page: its section with the scene's name as heading}, of every page that has one."""
    heading = re.compile(rf"^## `{scene.name}`\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    found = {page.stem: heading.search(page.read_text()) for page in sorted(PAGES.glob("*.md"))}
    return {page: section[1] for page, section in found.items() if section}


@pytest.mark.parametrize("scene", all_scenes().values(), ids=all_scenes())
def test_every_scene_is_on_the_one_page_of_its_group(scene):
    sections = sections_about(scene)
    group = tomllib.loads(REMARKS.read_text())[scene.name]["group"]
    assert list(sections) == [group]
    parts = [rf"!\[.{{30,}}\]\(\.\./images/stage-{scene.name}\.webp\)"]
    parts += [rf"\*\*{part}\.\*\* \S" for part in ("What happens", "Why", "Say", "Cure")]
    parts += [r"\*\*The numbers\*\*", f"<!-- table {scene.name} -->"]
    places = [re.search(part, sections[group]) for part in parts]
    assert all(places), parts
    assert [place.start() for place in places] == sorted(place.start() for place in places)
    assert f"(patterns/{group}.md#{scene.name})" in (ROOT / "docs" / "patterns.md").read_text()


@pytest.mark.parametrize("scene", all_scenes().values(), ids=all_scenes())
def test_the_table_of_a_scene_has_every_number_of_it(scene):
    (section,) = sections_about(scene).values()
    rows = marked(scene.name).search(section)[2]
    missing = [entry.text for entry in scene.expect if f"| {entry.text} | {entry.expected()} |" not in rows]
    assert not missing, "docs/adding-a-scene.md says how its numbers come into the table"


DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)


def anchors(document):
    """What a link into a document may have after its #, made of the headings as GitHub does."""
    headings = re.findall(r"^#+ (.*)$", FENCED.sub("", document.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_links_and_pictures_lead_somewhere(document):
    links = re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)", FENCED.sub("", document.read_text()))
    lost = []
    for path, anchor in links:
        target = document.parent / path if path else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(f"{path}#{anchor}")
    assert not lost


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


def test_the_workshops_document_has_every_sentence_of_every_plan_and_every_key_of_one():
    text = (ROOT / "docs" / "workshop.md").read_text()
    said = [line for plan in all_plans().values() for part in plan.part for line in part.say]
    assert [line for line in said if line not in text] == []
    keys = {field.name for kind in (Plan, Part) for field in fields(kind)} - {"name"}
    assert [name for name in sorted(keys) if f"`{name}`" not in text and f"`[[{name}]]`" not in text] == []
