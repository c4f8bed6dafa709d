"""What is checked in is what the generator makes, and what a room can read."""

from __future__ import annotations

import json
import re
import subprocess
from itertools import combinations

import pytest

from grafana import panels as kit
from grafana.dashboard import CONTROL, TITLES
from grafana.generate import FOLDER, dashboards, rendered
from tests.grafana.reading import ROOT, boards, panels

FIRST_SCREEN_ROWS = 26  # 1080 px, 38 px a row, less what a kiosk keeps for the links
PALETTE = {kit.BLUE, kit.SKY, kit.GREEN, kit.ORANGE, kit.VERMILLION, kit.PURPLE, kit.YELLOW, kit.GREY}


def each_panel():
    return [pytest.param(panel, id=f"{name}: {panel['title']}") for name, panel in panels()]


def canvas():
    return next(panel for _, panel in panels() if panel["type"] == "canvas")


def test_generating_again_changes_nothing():
    made = {name: rendered(board) for name, board in dashboards().items()}
    checked_in = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    assert {name for name in made if made[name] != checked_in.get(name)} == set(), "run python -m grafana.generate"
    assert made.keys() == checked_in.keys()


def test_there_are_five_dashboards_that_link_to_each_other():
    assert {board["uid"] for board in boards().values()} == set(TITLES)
    for board in boards().values():
        assert [link["url"] for link in board["links"]] == [f"/d/{uid}" for uid in TITLES]
        assert all(link["includeVars"] and link["keepTime"] for link in board["links"])


@pytest.mark.parametrize("name", boards())
def test_the_format_is_the_one_that_the_provisioner_takes(name):
    board = boards()[name]
    assert board["schemaVersion"] in (41, 42) and board["refresh"] in ("1s", "") and not board["editable"]
    assert "apiVersion" not in board and "elements" not in board and "id" not in board


@pytest.mark.parametrize("name", boards())
def test_ids_are_unique_and_panels_neither_overlap_nor_leave_the_grid(name):
    found = boards()[name]["panels"]
    assert len({panel["id"] for panel in found}) == len(found)
    for panel in found:
        place = panel["gridPos"]
        assert place["x"] >= 0 and place["w"] > 0 and place["h"] > 0 and place["x"] + place["w"] <= 24
    for one, other in combinations((panel["gridPos"] for panel in found), 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above, (one, other)


@pytest.mark.parametrize("panel", each_panel())
def test_a_panel_tells_the_room_what_to_look_for(panel):
    assert panel["title"] and len(panel["description"]) > 30 and panel["description"].endswith((".", "?"))


@pytest.mark.parametrize("panel", each_panel())
def test_a_panel_asks_the_one_datasource_and_has_a_unit(panel):
    assert panel["datasource"]["uid"] == "prometheus"
    targets = panel.get("targets", [])
    assert all(target["datasource"]["uid"] == "prometheus" for target in targets)
    assert len({target["refId"] for target in targets}) == len(targets)
    assert panel["type"] == "text" or panel["fieldConfig"]["defaults"]["unit"]
    assert bool(targets) == (panel["type"] != "text"), "a text panel with a query is drawn anew each second"


def colors_of(value):
    """Every colour in a piece of JSON that is not the theme's."""
    if isinstance(value, dict):
        return set().union(*map(colors_of, value.values()), *[set()])
    if isinstance(value, list):
        return set().union(*map(colors_of, value), *[set()])
    return {value} if isinstance(value, str) and re.fullmatch(r"#[0-9A-Fa-f]{6}", value) else set()


@pytest.mark.parametrize("panel", each_panel())
def test_colours_are_those_that_the_colour_blind_can_tell_apart(panel):
    assert colors_of(panel) <= PALETTE | {"#111111", "#ffffff"}


@pytest.mark.parametrize("panel", [p for p in each_panel() if p.values[0]["type"] in ("stat", "state-timeline")])
def test_a_colour_stands_beside_a_word_or_a_number(panel):
    config = panel["fieldConfig"]["defaults"]
    for mapping in config["mappings"]:
        assert all(option["text"] and option["color"] for option in mapping["options"].values())
        texts = [option["text"] for option in mapping["options"].values()]
        assert len(set(texts)) == len(texts)
    assert config["mappings"] or panel["options"]["textMode"] in ("value", "name")


@pytest.mark.parametrize("panel", [p for p in each_panel() if p.values[0]["type"] == "timeseries"])
def test_every_line_has_a_colour_of_its_own(panel):
    colors = [
        entry["value"]["fixedColor"]
        for override in panel["fieldConfig"]["overrides"]
        for entry in override["properties"]
        if entry["id"] == "color"
    ]
    shared = {kit.GREY}  # what is beside the point may share its colour
    assert len(set(colors) - shared) == len([color for color in colors if color not in shared])


def test_the_first_screen_has_the_verdict_the_control_panel_and_the_users():
    found = boards()["overview.json"]["panels"]
    visible = [panel for panel in found if panel["gridPos"]["y"] + panel["gridPos"]["h"] <= FIRST_SCREEN_ROWS]
    assert [panel["type"] for panel in visible] == ["stat"] * 8 + ["canvas"] + ["timeseries"] * 2
    assert [panel["title"] for panel in visible[-2:]] == ["Users who succeed", "What users wait"]


def test_the_control_panel_cannot_be_moved_by_a_careless_mouse():
    options = canvas()["options"]
    assert not any(options[name] for name in ("inlineEditing", "panZoom", "zoomToContent"))


def test_no_element_of_the_control_panel_overlaps_a_button_or_leaves_the_panel():
    place = canvas()["gridPos"]
    width, height = (
        1920 - 17 - 32 - 2,
        place["h"] * 38 - 8 - 32 - 2,
    )  # a scroll bar, the page's edges; the panel's title
    elements = canvas()["options"]["root"]["elements"]
    assert len({element["name"] for element in elements}) == len(elements)
    boxes = {element["name"]: (element["type"], element["placement"]) for element in elements}
    for name, (_, box) in boxes.items():
        inside = box["left"] >= 0 and box["top"] >= 0
        assert inside and box["left"] + box["width"] <= width and box["top"] + box["height"] <= height, name
    for (one, (kind, a)), (other, (other_kind, b)) in combinations(boxes.items(), 2):
        if "button" in (kind, other_kind):
            beside = a["left"] + a["width"] <= b["left"] or b["left"] + b["width"] <= a["left"]
            above = a["top"] + a["height"] <= b["top"] or b["top"] + b["height"] <= a["top"]
            assert beside or above, (one, other)


def elements_of(element):
    """An element of the canvas and all in it."""
    return [element, *(inner for child in element.get("elements", []) for inner in elements_of(child))]


def test_every_element_of_the_canvas_has_a_config():
    """Without one, a frame or a plain box too, Grafana 10 shows an empty panel with an error mark."""
    elements = elements_of(canvas()["options"]["root"])
    assert len(elements) > 100
    assert [element["name"] for element in elements if not isinstance(element.get("config"), dict)] == []


def test_a_buttons_address_is_one_that_every_grafana_can_parse_before_it_fills_in_the_variable():
    (variable,) = boards()["overview.json"]["templating"]["list"]
    assert re.fullmatch(r"[\w.]+:\d+", variable["query"])
    buttons = [element for element in elements_of(canvas()["options"]["root"]) if element["type"] == "button"]
    assert buttons
    for button in buttons:
        assert re.fullmatch(r"http://\$\{control\}/api/[\w/]+", button["config"]["api"]["endpoint"]), button["name"]


def test_numbers_stand_in_the_middle_of_the_gap_that_their_arrow_crosses_and_its_head_leaves_them_room():
    elements = {element["name"]: element for element in canvas()["options"]["root"]["elements"]}
    arrows = [(element, link) for element in elements.values() for link in element["connections"]]
    assert len(arrows) == 3
    for box, link in arrows:
        assert link["size"]["fixed"] <= 3
        left = box["placement"]["left"] + box["placement"]["width"]
        gap = elements[link["targetName"]]["placement"]["left"] - left
        number = elements[f"{box['name']} calls"]["placement"]
        assert (number["left"], number["width"]) == (left, gap)


CHARACTERS_A_COLUMN = 7.4  # a title of a panel three columns wide has room for 22 of them, at 24 columns of 1920 px


@pytest.mark.parametrize("panel", each_panel())
def test_no_title_is_cut(panel):
    assert len(panel["title"]) <= CHARACTERS_A_COLUMN * panel["gridPos"]["w"]


BUTTON_PADDING = 32  # Grafana's, left and right
CHARACTER_WIDTH = 0.53  # of the font's size, the average of Inter's lower case and digits


def test_no_text_of_the_control_panel_is_cut():
    cut = []
    for element in elements_of(canvas()["options"]["root"]):
        config = element["config"]
        text = config.get("text", {}).get("fixed", "")
        room = element["placement"]["width"] - (BUTTON_PADDING if element["type"] == "button" else 0)
        if config.get("text", {}).get("mode") == "fixed" and len(text) * config["size"] * CHARACTER_WIDTH > room:
            cut.append((element["name"], text))
    assert cut == []


@pytest.mark.parametrize("panel", [p for p in each_panel() if p.values[0]["type"] == "state-timeline"])
def test_a_state_timeline_shows_its_words_and_only_what_was_on(panel):
    """With a colour by thresholds and merged values Grafana shows ranges of thresholds in place of the words."""
    assert panel["fieldConfig"]["defaults"]["color"]["mode"] == "fixed"
    assert panel["fieldConfig"]["defaults"]["mappings"]
    for target in panel["targets"]:
        if "lab_switch_active" in target["expr"]:
            assert "max_over_time" in target["expr"] and "[$__range] @ end()" in target["expr"]


def test_annotations_are_written_twice_and_lines_take_their_time_from_the_value():
    for board in boards().values():
        for annotation in board["annotations"]["list"]:
            assert annotation["target"]["expr"] == annotation["expr"]
            assert annotation["useValueForTime"] is ("* 1000" in annotation["expr"])


@pytest.mark.parametrize("minutes", [5, 30])
def test_a_region_of_samples_stays_one_region(minutes):
    """Grafana asks for about 100 samples, at steps that it rounds; 10.x merges those that are at most `step` apart."""
    rounded = {5: 2, 30: 20}[minutes]
    for annotation in boards()["overview.json"]["annotations"]["list"]:
        assert int(annotation["step"].removesuffix("s")) >= rounded, annotation["name"]


def test_two_toggles_stand_on_top_and_no_mark_is_in_1970():
    annotations = boards()["overview.json"]["annotations"]["list"]
    assert [entry["name"] for entry in annotations if not entry["hide"]] == ["Scene", "Failure is on"]
    assert all(entry["enable"] for entry in annotations)
    for entry in annotations:
        if "lab_switch_changed_timestamp_seconds" in entry["expr"]:
            assert re.search(r"changed_timestamp_seconds\{[^}]*\}\) > 0\) \* 1000", entry["expr"]), entry["name"]


def test_the_frame_asks_for_the_page_without_charts():
    (panel,) = boards()["control-room.json"]["panels"]
    assert 'src="http://${control}/embed"' in panel["options"]["content"] and panel["options"]["mode"] == "html"


def test_grafana_starts_with_dashboards_that_call_this_labs_port(tmp_path):
    environ = {
        "DASHBOARDS_FROM": str(FOLDER),
        "DASHBOARDS_TO": str(tmp_path / "to"),
        "LAB_PORT": "8280",
        "PATH": "/bin",
    }
    command = ["/bin/sh", str(ROOT / "grafana" / "start.sh"), "echo", "started", "two words"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert done.stdout == "started two words\n"
    copies = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "to").glob("*.json")}
    assert copies == {name: rendered(board).replace(CONTROL, "localhost:8280") for name, board in dashboards().items()}
    default = json.loads(copies["overview.json"])["templating"]["list"][0]
    assert default["name"] == "control" and default["query"] == default["current"]["value"] == "localhost:8280"


def test_the_home_dashboard_and_the_provider_use_the_folder_that_is_written_at_the_start():
    compose, provider = ROOT / "docker-compose.yml", ROOT / "grafana" / "provisioning" / "dashboards" / "lab.yml"
    (folder,) = re.findall(r"to=\$\{DASHBOARDS_TO:-(\S+)\}", (ROOT / "grafana" / "start.sh").read_text())
    assert f"GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH: {folder}/overview.json" in compose.read_text()
    assert f"path: {folder}\n" in provider.read_text()
