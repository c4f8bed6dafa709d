"""The journal: what the control room keeps over its own restart, and what it does with a bad disk."""

from __future__ import annotations

import json

import pytest

from services.control_room.watching.events import EventLog
from services.control_room.watching.journal import COMPACT_LINES, KEEP_EVENTS, Journal


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """Open the journal as the worker after the last one does; the last one has ended."""
    monkeypatch.setattr("services.control_room.watching.journal.OWN_SECONDS", 0)
    owners = []

    def open_journal(folder=tmp_path):
        for before in owners:
            before.close()
        journal = Journal(folder)
        journal.open()
        owners[:] = [journal]
        return journal

    yield open_journal
    for journal in owners:
        journal.close()


def texts(journal):
    return [event["text"] for event in journal.events()]


def test_what_is_noted_and_every_event_is_there_for_the_next_worker(opened):
    journal = opened()
    events = EventLog(journal.add_event)
    events.add("one")
    events.add("two", level="error", service="api")
    journal.note("stage", {"scene": None})
    journal = opened()
    assert texts(journal) == ["one", "two"]
    assert journal.section("stage") == {"scene": None}


def test_a_value_that_grew_in_place_is_kept_as_it_is_now(opened):
    journal, sizes = opened(), [1]
    journal.note("stage", {"sizes": sizes})
    sizes.append(2)
    journal.note("stage", {"sizes": sizes})
    assert opened().section("stage") == {"sizes": [1, 2]}


def test_what_can_no_longer_be_written_is_not_taken_up_as_it_was(opened, tmp_path, monkeypatch):
    journal = opened()
    journal.note("stage", "old")
    (tmp_path / "lab.partial").mkdir()  # every write fails, as on a full disk
    journal.note("stage", "new")
    assert journal.section("stage") == "new"
    assert opened().section("stage") is None


def test_ids_go_on_growing_over_a_restart(opened):
    events = EventLog(opened().add_event)
    for number in range(5):
        events.add(str(number))
    after = EventLog()
    kept = opened().events()
    after.take_up([*kept[:-1], {**kept[-1], "id": 10**15}])  # a clock that went back is no reason to begin again
    after.add("six")
    assert after.last_id() == 10**15 + 1


def test_the_file_of_events_is_bounded(opened):
    journal = opened()
    for number in range(COMPACT_LINES + 10):
        journal.add_event({"id": number, "time": 0.0, "level": "info", "service": None, "text": str(number)})
    journal = opened()
    assert len(journal.events()) == KEEP_EVENTS
    assert texts(journal)[-1] == str(COMPACT_LINES + 9)


def test_a_line_that_a_kill_cut_off_costs_that_line_alone(opened, tmp_path):
    EventLog(opened().add_event).add("one")
    with (tmp_path / "events.ndjson").open("a") as file:
        file.write('{"id": 1, "ti')
    events = EventLog(opened().add_event)
    events.add("three")
    assert texts(opened()) == ["one", "three"]


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"format": 0}', '{"stage": 1}', "\x00\xff"])
def test_a_journal_that_cannot_be_read_is_said_and_passed_over(opened, tmp_path, caplog, content):
    (tmp_path / "lab.json").write_text(content)
    journal = opened()
    assert journal.section("stage") is None
    assert "cannot be read" in caplog.text
    journal.note("stage", 1)
    assert opened().section("stage") == 1


def test_a_second_worker_gets_no_journal_and_does_no_harm(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("services.control_room.watching.journal.OWN_SECONDS", 0)
    first, second = Journal(tmp_path), Journal(tmp_path)
    first.open()
    second.open()
    first.note("stage", "first")
    second.note("stage", "second")
    second.begin_anew()
    assert "nothing is kept" in caplog.text
    assert json.loads((tmp_path / "lab.json").read_text())["stage"] == "first"
    first.close()


def test_a_folder_that_cannot_be_written_breaks_nothing(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    journal = Journal(tmp_path / "file" / "journal")
    journal.open()
    EventLog(journal.add_event).add("one")
    journal.note("stage", 1)
    assert journal.section("stage") == 1
    assert "nothing is kept" in caplog.text


def test_a_full_disk_is_said_once_and_what_comes_after_it_is_kept(opened, tmp_path, caplog):
    journal = opened()
    events = EventLog(journal.add_event)
    (tmp_path / "events.ndjson").mkdir()  # every write fails, as on a full disk
    events.add("lost")
    events.add("lost too")
    assert caplog.text.count("the journal cannot be kept") == 1
    (tmp_path / "events.ndjson").rmdir()
    events.add("kept")
    assert texts(opened()) == ["kept"]


def test_another_labs_journal_is_forgotten(opened):
    journal = opened()
    EventLog(journal.add_event).add("of another lab")
    journal.note("stage", 1)
    opened().begin_anew()
    journal = opened()
    assert (journal.section("stage"), texts(journal)) == (None, [])
