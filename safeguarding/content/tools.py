"""The tools: small things that a person can do in the chat, step by step."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from safeguarding.content.contacts import contact_directory
from safeguarding.content.pieces import Pieces, read_pieces
from safeguarding.taxonomy import CONTENT


@cache
def tools(folder: Path = CONTENT / "tools") -> Pieces:
    """Read the tools once per process. Raises ContentError with all that is wrong."""
    return read_pieces("tool", folder, contact_directory())
