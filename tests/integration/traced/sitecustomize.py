"""Records which project files run between SIGUSR1 and SIGUSR2. Python loads it from PYTHONPATH.

The files go to TRACED_TO/<process id>.txt. Only functions that are called count: a module that is
merely imported does not.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

_ROOT = os.environ["TRACED_ROOT"] + os.sep
_seen: set[str] = set()
_recording = False


def _note(frame: FrameType, event: str, _argument: object) -> None:
    if _recording and event == "call":
        _seen.add(frame.f_code.co_filename)


def _begin(_number: int, _frame: FrameType | None) -> None:
    global _recording  # noqa: PLW0603 - a signal handler has nowhere else to keep it
    _seen.clear()
    _recording = True
    sys.setprofile(_note)


def _end(_number: int, _frame: FrameType | None) -> None:
    global _recording  # noqa: PLW0603
    _recording = False
    sys.setprofile(None)
    files = sorted(path.removeprefix(_ROOT) for path in set(_seen) if path.startswith(_ROOT))
    ours = [path for path in files if not path.startswith((".", "tests/"))]
    target = Path(os.environ["TRACED_TO"]) / f"{os.getpid()}.txt"
    draft = target.with_suffix(".draft")
    draft.write_text("\n".join(ours), encoding="utf-8")
    draft.rename(target)


# Threads that exist already cannot be traced later, and pools keep theirs: trace from the start.
threading.setprofile(_note)
signal.signal(signal.SIGUSR1, _begin)
signal.signal(signal.SIGUSR2, _end)
