"""Memory and processor time of a process of the stack and of its workers."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from ops.stack import Process


def resident_bytes(process: Process) -> int:
    """Return the memory of its process group (proportional set size)."""
    return sum(_pss(pid) for pid in group(process))


def processor_ms(process: Process) -> float:
    """Return the processor time that its process group has used, in milliseconds."""
    return sum(_cpu_ms(pid) for pid in group(process))


def group(process: Process) -> Iterator[int]:
    """Return the ids of a process and of those that it has started."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if os.getpgid(int(entry.name)) == process.pid:
                    yield int(entry.name)


def _pss(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    match = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(match[1]) * 1024 if match else 0


def _cpu_ms(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    used, system = int(fields[11]), int(fields[12])
    return (used + system) * 1000 / os.sysconf("SC_CLK_TCK")
