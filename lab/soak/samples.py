"""Samples of a running Lantern: memory, descriptors and threads of each process, rows of tables."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from lab.bench.usage import group
from lab.soak.levels import Points
from ops.stack import Process
from storage.engine import READING
from storage.handoffs import figures

SCREENING = "safeguarding.screening"
"""The module that gateway and dispatcher each run in a process of its own."""
WAITING = "handoffs that wait"
"""Stands among the tables for the rows of the mailbox that are not done."""
EVERY_S = 15.0
"""Seconds between two samples of the processes."""
ROWS_EVERY = 4
"""Samples of the processes for each sample of the rows."""
MB = 1024 * 1024


@dataclass(frozen=True)
class ProcessUse:
    """What one process uses."""

    pid: int
    memory_mb: float
    """Resident memory."""
    descriptors: int
    threads: int


@dataclass
class Samples:
    """All samples of a run, with the seconds since its start."""

    processes: list[tuple[float, dict[str, ProcessUse]]] = field(default_factory=list)
    rows: list[tuple[float, dict[str, int]]] = field(default_factory=list)

    def points(self, name: str, figure: str, after_s: float) -> Points:
        """Return a figure of one process after a moment: of the process that ran last.

        One that was started in its place has to warm up again, and so is another process.
        """
        found = [(at, each[name]) for at, each in self.processes if name in each and at >= after_s]
        return [
            (at, float(getattr(use, figure))) for at, use in found if use.pid == found[-1][1].pid
        ]

    def rows_of(self, name: str) -> Points:
        """Return the numbers of rows of one table."""
        return [(at, float(rows[name])) for at, rows in self.rows if name in rows]

    def names(self) -> list[str]:
        """Return the names of all processes that were seen."""
        return sorted({name for _, each in self.processes for name in each})

    def tables(self) -> list[str]:
        """Return the names of all tables that were counted."""
        return sorted({name for _, each in self.rows for name in each})


class Sampler:
    """Takes samples on a thread of its own, and writes each down at once."""

    def __init__(self, processes: Mapping[str, Process], engine: Engine, file: Path) -> None:
        """`file` gets one line of JSON for each sample, so that a run that is cut off has some."""
        self._processes = processes
        self._engine = engine.execution_options(**READING)
        self._file = file
        self._stop = threading.Event()
        self._started = time.monotonic()
        self._thread = threading.Thread(target=self._work, name="samples", daemon=True)
        self.samples = Samples()

    def start(self) -> None:
        """Take the first sample soon, and then one after the other."""
        self._started = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Take one more sample of everything, and end."""
        self._stop.set()
        self._thread.join()
        self._take(with_rows=True)

    def _work(self) -> None:
        number = 0
        while not self._stop.wait(EVERY_S if number else 0.0):
            self._take(with_rows=number % ROWS_EVERY == 0)
            number += 1

    def _take(self, *, with_rows: bool) -> None:
        at = round(time.monotonic() - self._started, 1)
        uses = dict(used(self._processes))
        self.samples.processes.append((at, uses))
        line = {"at": at, "processes": {name: asdict(use) for name, use in uses.items()}}
        if with_rows:
            with suppress(SQLAlchemyError):  # the next sample is a minute away
                rows = counted(self._engine)
                self.samples.rows.append((at, rows))
                line["rows"] = rows
        with self._file.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(line)}\n")


def used(processes: Mapping[str, Process]) -> Iterator[tuple[str, ProcessUse]]:
    """Return what each process uses now, and each screening process that one has started.

    One that has just ended is left out.
    """
    for name, process in processes.items():
        for pid in group(process):
            with suppress(OSError):
                command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if pid == process.pid:
                    yield name, _use(pid)
                elif SCREENING.encode() in command:
                    yield f"{name}'s screening", _use(pid)


def counted(engine: Engine) -> dict[str, int]:
    """Return the number of rows of each table, and of those of the mailbox that wait."""
    count = sa.select(sa.func.count())
    with engine.connect() as connection:
        rows = {
            name: connection.execute(count.select_from(sa.table(name))).scalar_one()
            for name in sorted(sa.inspect(connection).get_table_names())
        }
        mailbox = figures(connection)
    return rows | {WAITING: mailbox.waiting + mailbox.unassessed}


def _use(pid: int) -> ProcessUse:
    """Return what a process uses. Raises OSError, also for one that has just ended."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")

    def number(label: str) -> int:
        found = re.search(rf"^{label}:\s+(\d+)", status, re.MULTILINE)
        if found is None:
            raise ProcessLookupError(pid)
        return int(found[1])

    descriptors = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    memory_mb = round(number("VmRSS") * 1024 / MB, 1)
    return ProcessUse(pid, memory_mb, descriptors, number("Threads"))
