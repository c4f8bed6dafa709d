"""Failure: a table is read from end to end where a row used to be looked up."""

import sqlite3
import threading
from collections import deque

from services.common.calls.call import Call
from services.common.switches.base import NO_CPU, Failure, Host
from services.common.switches.params import Param

STEPS = 100_000  # of SQLite's machine, between two looks at whether the table is still wanted: about 2 ms
ROWS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i, i % 97 FROM n"


class MissingIndex(Failure):
    """Reads a real SQLite table for each query: real CPU, in SQLite's own code, outside of the interpreter lock.

    The table is in memory, is made by the first query, and is gone when the switch goes off.
    """

    name = "missing_index"
    brief = "no index: {rows} rows"
    simulated = NO_CPU
    story = "Every query reads a whole table, and keeps a CPU busy with it."
    rows = Param(100_000, "rows that each query reads", "", 1000, 5_000_000)
    per_request = True

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._table: _Table | None = None

    def on_start(self) -> None:
        self.on_stop()
        self._table = _Table(self.rows)

    def during_query(self, call: Call) -> None:
        table = self._table
        if table is not None:
            table.scan()

    def on_stop(self) -> None:
        table, self._table = self._table, None
        if table is not None:
            table.close()


class _Table:
    """A table with no index, and as many connections to it as threads read at once."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._name = f"file:orders_{id(self)}?mode=memory&cache=shared"
        self._making = threading.Lock()
        self._lock = threading.Lock()
        self._idle: deque[sqlite3.Connection] = deque()
        self._keeper: sqlite3.Connection | None = None
        self._closed = False

    def scan(self) -> None:
        """Look for one row, by reading all of them; ends at once when the table is closed."""
        with self._making:
            if self._keeper is None and not self._closed:
                self._make()
        with self._lock:
            if self._closed:
                return
            reader = self._idle.popleft() if self._idle else self._connect()
        self._run(reader, "SELECT sum(amount) FROM orders WHERE customer = ?", 1)
        with self._lock:
            if self._closed:
                reader.close()
            else:
                self._idle.append(reader)

    def _make(self) -> None:
        keeper = self._connect()
        self._run(keeper, "CREATE TABLE orders (customer INTEGER, amount INTEGER)")
        self._run(keeper, f"INSERT INTO orders {ROWS}", self._rows)
        keeper.commit()
        with self._lock:
            if self._closed:
                keeper.close()
            else:
                self._keeper = keeper

    def _run(self, connection: sqlite3.Connection, statement: str, *values: int) -> None:
        try:
            connection.execute(statement, values).fetchone()
        except sqlite3.OperationalError:
            if not self._closed:
                raise

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._name, uri=True, check_same_thread=False)
        connection.set_progress_handler(lambda: self._closed, STEPS)  # true ends the statement
        return connection

    def close(self) -> None:
        """Close what nobody uses; who still makes or reads stops, and closes their own."""
        self._closed = True
        with self._lock:
            for connection in (*self._idle, *([self._keeper] if self._keeper else [])):
                connection.close()
            self._idle.clear()
