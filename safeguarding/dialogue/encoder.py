"""The vectors from which a message is understood and a reply chosen.

A vector joins two encoders. That of the risk engine learned what is alarming. The second, of the
same published weights, learned from the conversations of data/dialogues which reply a message asks
for; it reads the message after a line of what came before (safeguarding/risk/encoder/in_place.py).
Each sees what the other misses (docs/adr/0044).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from safeguarding.content.replies import ReplyRecord
from safeguarding.conversation_state import ConversationState
from safeguarding.risk import assessment
from safeguarding.risk.encoder.in_place import context_of, in_context
from safeguarding.risk.encoder.vectors import Encoded

HALF = assessment.WIDTH
WIDTH = 2 * HALF
"""Lengths of the vector of one encoder, and of a joined one."""
MOST_READ = 10_000
"""Characters of a text that are read; the encoder stops long before."""
CARD, DANGER, ASK = "card", "999", "ask"
"""What stands for a help card, for that of danger, and for a question by buttons, in what came
before; as in data/dialogues."""
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class DialogueEncoder:
    """Joins the risk engine's vector of a text with that of the dialogue's own encoder."""

    encode: Callable[[str], Encoded]
    """Gives the dialogue encoder's vectors of canonical words, perhaps after a context."""
    labels: Mapping[str, str]
    """The label of each reply, in canonical words, by its id."""

    @classmethod
    def of(
        cls,
        encode: Callable[[str], Encoded],
        replies: Mapping[str, ReplyRecord],
        canonical: Callable[[str], str],
    ) -> DialogueEncoder:
        """Return one that knows these replies; `canonical` spells a text as the normaliser does."""
        return cls(encode, {id_: canonical(each.label) for id_, each in replies.items()})

    def vector(self, canonical: str, of_risk: Floats, context: str = "") -> Floats:
        """Return the joined vector of a text, shape (1536,); each half has the length 1.

        `canonical` are its words between single spaces, `of_risk` the risk encoder's vector of
        them, `context` the result of `context`. Raises WeightsError.
        """
        return joined(of_risk, self.encode(in_context(canonical[:MOST_READ], context)).vector)

    def context(self, previous: str, before: ConversationState) -> str:
        """Return what came before a message: the person's words before, and what Lantern said.

        `previous` are those words as the normaliser spells them; `before` is the state before the
        message.
        """
        said = ""
        if before.last_reply is not None:
            said = self.labels.get(before.last_reply, "")
        elif before.last_kind == CARD:
            said = DANGER if before.is_near_danger else CARD
        elif before.last_kind == ASK:
            said = ASK
        return context_of(previous, said)


def joined(of_risk: Floats, of_dialogue: Floats) -> Floats:
    """Return vectors, one or a row for each text, with those of the dialogue's encoder behind."""
    found: Floats = np.concatenate([of_risk, of_dialogue], axis=-1)
    return found
