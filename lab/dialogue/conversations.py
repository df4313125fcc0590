"""Conversations with Lantern whose turns are labelled with what they do and what may answer them.

data/dialogues/<part>/<writer>.yml. The parts are kept apart: the model of the dialogue learns from
`training`, its thresholds come from `development`, and `test` only measures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from safeguarding.content.replies import ReplyRecord
from safeguarding.records import read_yaml
from safeguarding.risk.encoder.in_place import context_of
from safeguarding.taxonomy import ROOT

FOLDER = ROOT / "data" / "dialogues"
PARTS = ("training", "development", "test")
HELD = frozenset(
    {
        "d20", "d27", "d31", "d32", "d33", "d34", "d35", "d37", "d41",
        "d43", "d44", "d45", "d46", "d47", "d48", "d61", "d62", "d63", "d64", "d65",
        "d66", "d67", "d68", "d69", "d70", "d71", "d72", "d73", "d74", "d75", "d76", "d77",
    }
)  # fmt: skip
"""Writers of the training part from whom the ranking learns. The encoder of the dialogue never
reads them, and the linear models only after the ranking has learned."""
NONE = "none"
"""The label where nothing in the bank answers; CARD, DANGER and ASK are labels beside the ids of
replies too."""


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
    tells_risk: bool | None = None
    """Whether the message by itself tells something that staff should see; None where that is not
    labelled."""
    right: tuple[str, ...] = ()
    """What may answer the message, best first: ids of replies and the labels above."""


class LabelledDialogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One conversation."""

    id: str
    audience: str | None
    about: str
    turns: tuple[DialogueTurn, ...]

    @property
    def is_held(self) -> bool:
        """Whether only the ranking learns from it."""
        return self.id.partition("-")[0] in HELD


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


def in_their_places(
    dialogue: LabelledDialogue,
    replies: Mapping[str, ReplyRecord],
    canonical: Callable[[str], str],
) -> Iterator[tuple[DialogueTurn, Sequence[DialogueTurn], str]]:
    """Yield each message of the person, the turns before it, and these as its context.

    `canonical` spells a text as the normaliser does.
    """
    previous = ""
    for turn, before in messages(dialogue):
        yield turn, before, context_of(previous, canonical(labels_of(latest_of(before), replies)))
        previous = canonical(turn.user or "")


def latest_of(before: Sequence[DialogueTurn]) -> list[DialogueTurn]:
    """Return what Lantern said after the person's last message."""
    found = []
    for turn in reversed(before):
        if turn.user is not None:
            break
        found.append(turn)
    return found[::-1]


def labels_of(said: Sequence[DialogueTurn], replies: Mapping[str, ReplyRecord]) -> str:
    """Return the labels of what Lantern said; its words, where it was no reply of the bank."""
    return " ".join(
        replies[name].label if (name := turn.reply or "") in replies else turn.lantern or name
        for turn in said
    )


def shares(right: int) -> list[float]:
    """Return the weight of each right answer of a turn, the best first; they sum to 1."""
    return [1.0] if right == 1 else [0.7, *([0.3 / (right - 1)] * (right - 1))]
