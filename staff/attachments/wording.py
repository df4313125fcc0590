"""The size of a file in words, for pages and case files."""

from __future__ import annotations

_MIB, _KIB = 1024 * 1024, 1024


def size(count: int) -> str:
    """Return a size in bytes as people read it: "320 kB", "1.4 MB"."""
    if count < _MIB:
        return f"{max(1, round(count / _KIB))} kB"
    return f"{count / _MIB:.1f} MB"
