"""The stories: invented, because people see a pattern in a story before they know its name."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from safeguarding.content.contacts import contact_directory
from safeguarding.content.pieces import Pieces, read_pieces
from safeguarding.taxonomy import CONTENT


@cache
def stories(folder: Path = CONTENT / "stories") -> Pieces:
    """Read the stories once per process. Raises ContentError with all that is wrong."""
    return read_pieces("story", folder, contact_directory())
