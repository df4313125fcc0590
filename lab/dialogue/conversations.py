"""Conversations with Lantern whose turns are labelled with what they do and what may answer them.

data/dialogues/<part>/<writer>.yml. The parts are kept apart: the model of the dialogue learns from
`training`, its thresholds come from `development`, and `test` only measures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from safeguarding.records import read_yaml
from safeguarding.taxonomy import ROOT

FOLDER = ROOT / "data" / "dialogues"
PARTS = ("training", "development", "test")
CARD, DANGER, ASK, NONE = "card", "999", "ask", "none"
"""Labels beside the ids of replies: a help card, that of danger, a question, and nothing in the
bank."""


class DialogueTurn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message of the person, or what Lantern said."""

    user: str | None = None
    lantern: str | None = None
    """Words of Lantern's that are no reply of the bank."""
    reply: str | None = None
    """The id of the reply that Lantern gave."""
    act: str | None = None
    need: str | None = None
    """The need in hand after the message."""
    topic: str | None = None
    right: tuple[str, ...] = ()
    """What may answer the message, best first: ids of replies and the labels above."""


class LabelledDialogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One conversation."""

    id: str
    audience: str | None
    about: str
    turns: tuple[DialogueTurn, ...]


class LabelledDialogues(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The conversations of one writer."""

    writer: str
    conversations: tuple[LabelledDialogue, ...]


def read_dialogues(part: str, folder: Path = FOLDER) -> list[LabelledDialogue]:
    """Read the conversations of a part. Raises ContentError with all that is wrong in a file."""
    files = sorted((folder / part).glob("*.yml"))
    return [
        each for file in files for each in read_yaml(file).convert(LabelledDialogues).conversations
    ]


def messages(dialogue: LabelledDialogue) -> Iterator[tuple[DialogueTurn, Sequence[DialogueTurn]]]:
    """Yield each message of the person with the turns before it."""
    for at, turn in enumerate(dialogue.turns):
        if turn.user is not None:
            yield turn, dialogue.turns[:at]
