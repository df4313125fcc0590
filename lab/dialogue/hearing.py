"""Places of messages as they are in service: the need comes from the risk engine, not from a label.

The risk engine must not have learned from the conversations that it hears: `make dialogue-model`
gives it a second reader that has not (lab/training/second_reader.py). The ranking learns from such
places. With the labels alone it would trust the need as if the engine were never wrong, and drop
the right reply wherever it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lab.dialogue.conversations import (
    DialogueTurn,
    LabelledDialogue,
    in_their_places,
    latest_of,
)
from safeguarding.content.facts import Facts
from safeguarding.content.replies import ReplyRecord
from safeguarding.conversation_state import ConversationState
from safeguarding.dialogue.model import Place
from safeguarding.risk.assessment import Assessment, Turn


@dataclass(frozen=True)
class Hearing:
    """What the risk engine and the conversation's state make of labelled conversations."""

    assess: Callable[[str, Sequence[Turn], str], Assessment]
    """Assesses a text with the turns and the context before it."""
    facts: Facts
    replies: Mapping[str, ReplyRecord]
    canonical: Callable[[str], str]

    def places(self, dialogue: LabelledDialogue) -> Iterator[Place]:
        """Yield a place for each message: its needs, categories and facts; nothing else is set."""
        state, history = ConversationState(audience=dialogue.audience), list[Turn]()
        for turn, before, context in in_their_places(dialogue, self.replies, self.canonical):
            words = " ".join(map(self._words, latest_of(before))).strip()
            history += [Turn("assistant", words)] if words else []
            text = turn.user or ""
            assessment = self.assess(text, tuple(history), context)
            said = self.facts.said_by_writer(text, self.canonical(text))
            after = state.after(assessment).with_facts(said, assessment)
            yield Place(
                need=state.need_in_hand,
                need_after=after.need_in_hand,
                categories=frozenset(after.categories),
                facts=frozenset(after.facts),
            )
            state = after
            history.append(Turn("user", text))

    def _words(self, turn: DialogueTurn) -> str:
        reply = self.replies.get(turn.reply or "")
        return (reply.young_person or reply.parent or "") if reply else turn.lantern or ""


def heard(place: Place, in_service: Place) -> Place:
    """Return a labelled place with what only the risk engine knows in service."""
    return replace(
        place,
        need=in_service.need,
        need_after=in_service.need_after,
        categories=in_service.categories,
        facts=in_service.facts,
    )
