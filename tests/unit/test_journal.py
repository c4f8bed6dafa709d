"""The journal: what the control room keeps over its own restart, and what it does with a bad disk."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from services.control_room.watching.events import EventLog
from services.control_room.watching.journal import KEEP_EVENTS, Journal


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


def test_ids_go_on_growing_over_a_restart(opened):
    events = EventLog(opened().add_event)
    for number in range(5):
        events.add(str(number))
    after = EventLog()
    kept = opened().events()
    after.restore([*kept[:-1], {**kept[-1], "id": 10**15}])  # a clock that went back is no reason to begin again
    after.add("six")
    assert after.last_id() == 10**15 + 1


def event(number, **changes):
    return {"id": number, "time": 0.0, "level": "info", "service": None, "text": str(number)} | changes


def test_the_events_that_are_kept_are_bounded(opened, tmp_path):
    journal = opened()
    for number in range(1, 2 * KEEP_EVENTS + 11):
        journal.add_event(event(number))
    assert texts(journal) == [str(number) for number in range(KEEP_EVENTS + 11, 2 * KEEP_EVENTS + 11)]
    assert len(opened().events()) == KEEP_EVENTS


def test_a_worker_that_is_killed_loses_nothing(opened, tmp_path):
    code = """
import os, sys
from pathlib import Path
from services.control_room.watching.journal import Journal
journal = Journal(Path(sys.argv[1]))
journal.open()
journal.note("stage", "kept")
journal.add_event({"id": 1, "time": 0.0, "level": "info", "service": None, "text": "one"})
os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode == -9
    journal = opened()
    assert (journal.section("stage"), texts(journal)) == ("kept", ["one"])


def rubbish(path):
    path.write_bytes(b"{" * 5000)


def another_database(path):
    with closing(sqlite3.connect(path)) as file:
        file.execute("CREATE TABLE events (other)")
        file.execute("CREATE TABLE sections (other)")


def truncated(path):
    journal = Journal(path.parent)
    journal.open()
    for number in range(1, 500):
        journal.add_event(event(number))
    journal.close()
    path.write_bytes(path.read_bytes()[:6000])


def damaged(path):
    """Good at its beginning: what is wrong shows when the rows are read."""
    journal = Journal(path.parent)
    journal.open()
    journal.note("stage", "x" * 20_000)
    for number in range(1, 500):
        journal.add_event(event(number))
    journal.close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 8192)


def views(path):
    with closing(sqlite3.connect(path)) as file:
        file.execute("CREATE VIEW events AS SELECT 1 AS id, '' AS body")
        file.execute("CREATE VIEW sections AS SELECT 'stage' AS name, '1' AS body")


def text_that_is_none(path):
    journal = Journal(path.parent)
    journal.open()
    journal.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("INSERT INTO sections VALUES ('stage', CAST(x'ff' AS TEXT))")
        file.execute("INSERT INTO events VALUES (7, CAST(x'ff' AS TEXT))")


def folder_beside_it(path):
    Path(f"{path}-wal").mkdir()


def fifo_beside_it(path):
    os.mkfifo(f"{path}-wal")


def link_to_itself(path):
    path.symlink_to(path)


EVERYTHING = [rubbish, truncated, another_database, Path.mkdir, os.mkfifo, damaged, views, text_that_is_none]


@pytest.mark.parametrize("make", [*EVERYTHING, folder_beside_it, fifo_beside_it, link_to_itself])
def test_whatever_lies_in_its_place_is_said_and_passed_over(opened, tmp_path, caplog, make):
    make(tmp_path / "journal.sqlite")
    journal = opened()
    journal.events()
    assert journal.section("stage") is None
    assert "journal" in caplog.text
    journal.note("stage", 1)
    journal.add_event(event(10**6))
    journal = opened()
    assert (journal.section("stage"), texts(journal)[-1]) == (1, str(10**6))


def test_what_a_link_leads_to_is_not_written(opened, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "journal.sqlite").symlink_to(elsewhere / "file")
    opened().note("stage", 1)
    assert list(elsewhere.iterdir()) == []
    assert opened().section("stage") == 1


@pytest.mark.parametrize("number", [10**18, 2**63 - 1, 0, -5])
def test_a_number_that_no_caller_could_ask_for_is_passed_over(opened, tmp_path, number):
    """`?after=` takes 18 digits, and a browser tells integers apart up to 2**53."""
    opened().close()
    with closing(sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)) as file:
        file.execute("INSERT INTO events VALUES (?, ?)", [number, json.dumps(event(number))])
    journal = opened()
    events = EventLog(journal.add_event)
    events.restore(journal.events())
    events.add("heard")
    assert 0 < events.last_id() < 2**53 and journal.passed_over
    assert texts(opened()) == ["heard"]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "null",
        "1",
        b"\xff",
        json.dumps(event(None)),
        json.dumps(event(10**30)),
        json.dumps(event(7, time="now")),
        json.dumps(event(7, time=float("nan"))),
        json.dumps(event(7, level="loud")),
        json.dumps(event(7, text=None)),
        json.dumps(event(7, service=1)),
    ],
)
def test_an_event_of_the_wrong_types_costs_that_event_alone(opened, tmp_path, caplog, body):
    journal = opened()
    journal.add_event(event(1))
    journal.close()
    with closing(sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)) as file:
        file.execute("INSERT INTO events VALUES (7, ?)", [body])
        file.execute("INSERT INTO sections VALUES ('stage', ?)", [body])
    journal = opened()
    assert texts(journal) == ["1"]
    assert "1 of 2 events" in caplog.text and journal.passed_over
    journal.section("stage")
    journal.add_event(event(8))
    assert texts(opened()) == ["1", "8"]


def test_the_journal_of_an_older_version_is_begun_anew_and_that_is_said(opened, tmp_path):
    (tmp_path / "lab.json").write_text('{"format": 1, "stage": 1}')
    (tmp_path / "events.ndjson").write_text("{}\n")
    journal = opened()
    assert (journal.section("stage"), journal.events()) == (None, [])
    assert journal.passed_over == "the journal was an older version's: a new one is begun"
    assert opened().passed_over is None


def test_a_journal_of_the_version_before_instances_is_begun_again_and_it_is_said(opened):
    before = opened()
    before.note("services/api", {"instance": "one"})
    before.add_event({"id": 1, "time": 1.0, "level": "info", "service": None, "text": "old"})
    journal = opened()
    assert (journal.events(), journal.section("services/api")) == ([], None)
    assert journal.passed_over == "the journal was an older version's: a new one is begun"
    assert opened().passed_over is None


def test_a_second_worker_gets_no_journal_and_does_no_harm(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("services.control_room.watching.journal.OWN_SECONDS", 0)
    first, second = Journal(tmp_path), Journal(tmp_path)
    first.open()
    second.open()
    first.note("stage", "first")
    second.note("stage", "second")
    second.clear()
    assert "nothing is kept" in caplog.text
    first.close()
    second.open()
    assert second.section("stage") == "first"
    second.close()


def test_a_folder_that_cannot_be_written_breaks_nothing(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    journal = Journal(tmp_path / "file" / "journal")
    journal.open()
    EventLog(journal.add_event).add("one")
    journal.note("stage", 1)
    assert journal.section("stage") == 1
    assert "nothing is kept" in caplog.text


def test_a_full_disk_is_said_once_and_what_comes_after_it_is_kept(opened, caplog):
    journal = opened()
    journal.add_event(event(1))
    journal._file.execute("PRAGMA max_page_count = 4")  # SQLite's own full disk
    for number in range(2, 4):
        journal.add_event(event(number, text="x" * 50_000))
    assert caplog.text.count("the journal cannot be kept") == 1
    journal._file.execute("PRAGMA max_page_count = 4000")
    journal.add_event(event(4))
    assert texts(opened()) == ["1", "4"]


def test_another_labs_journal_is_forgotten(opened):
    journal = opened()
    EventLog(journal.add_event).add("of another lab")
    journal.note("stage", 1)
    opened().clear()
    journal = opened()
    assert (journal.section("stage"), texts(journal)) == (None, [])
