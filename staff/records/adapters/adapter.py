"""The adapters: one folder a system of records, each with one function.

The `adapter.py` in a folder has `adapter(settings)`, which returns a function that hands one event
to the system. That returns once the system has kept the event, raises NotTakenError otherwise, and
takes no longer than WITHIN_S. One thread uses it. A new system is a new folder, and its name in
`SYSTEMS` of `staff/records/settings.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TypeAlias

from staff.records.event import RecordEvent
from staff.records.settings import RecordSettings

Adapter: TypeAlias = Callable[[RecordEvent], None]
WITHIN_S = 15.0
"""Seconds that one event may take, however slowly a server answers."""


def adapter_of(settings: RecordSettings) -> Adapter:
    """Return the function that hands an event to the system of these settings."""
    folder = import_module(f"staff.records.adapters.{settings.system}.adapter")
    made: Adapter = folder.adapter(settings)
    return made
