"""A PostgreSQL for one run alone: for tests, and for faults that nobody else should feel."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import URL

from ops.stack import free_port

PROGRAMS = Path("/usr/lib/postgresql")
"""Where Debian and Ubuntu keep the programs of the server."""


@contextmanager
def own_cluster(programs: Path) -> Iterator[URL]:
    """Start a server for this run alone, in a folder that goes away with it."""
    folder = Path(tempfile.mkdtemp(prefix="lantern-postgres-"))
    asroot = os.geteuid() == 0
    if asroot:
        # PostgreSQL refuses to run as root.
        shutil.chown(folder, pwd.getpwnam("postgres").pw_uid)
    prefix = ["runuser", "-u", "postgres", "--"] if asroot else []
    data, port = folder / "data", free_port()
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    control = [*prefix, str(programs / "pg_ctl"), "-D", str(data), "-w"]
    initialise = [
        *prefix,
        str(programs / "initdb"),
        "-D",
        str(data),
        "-A",
        "trust",
        "-U",
        "postgres",
    ]
    try:
        subprocess.run(initialise, check=True, capture_output=True)
        start = [*control, "-o", options, "-l", str(folder / "server.log"), "start"]
        subprocess.run(start, check=True, capture_output=True)
        yield URL.create("postgresql", "postgres", host="127.0.0.1", port=port, database="postgres")
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)
