"""The labelled messages of conversations, each in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any

from lab.dialogue.conversations import LabelledDialogue, in_their_places, latest_of
from lab.dialogue.hearing import Hearing, heard
from safeguarding.content.facts import Facts
from safeguarding.content.replies import Replies, ReplyRecord
from safeguarding.conversation_state import ConversationState
from safeguarding.dialogue.encoder import ASK, CARD, DANGER
from safeguarding.dialogue.model import DialogueModel, Floats, Place


@dataclass(frozen=True)
class LabelledTurn:
    """A message in its place, with what it does and what may answer it."""

    text: str
    place: Place
    act: str
    right: tuple[str, ...]
    context: str = ""
    """What came before: the result of `context_of`."""
    is_held: bool = False
    """Whether only the ranking learns from it (lab.dialogue.conversations.HELD)."""
    begins: bool = False
    """Whether it is the first message of its conversation."""


def labelled_turns(
    dialogues: Sequence[LabelledDialogue],
    replies: Mapping[str, ReplyRecord],
    facts: Facts,
    canonical: Callable[[str], str],
    category_of: Callable[[str], str | None],
    hearing: Hearing | None = None,
) -> Iterator[LabelledTurn]:
    """Yield each message of the conversations in its place.

    With `hearing`, those that only the ranking learns from are in the place that they would have in
    service.
    """
    for dialogue in dialogues:
        place = Place(audience=dialogue.audience)
        said: set[str] = set()
        in_service = hearing.places(dialogue) if hearing and dialogue.is_held else repeat(None)
        placed = in_their_places(dialogue, replies, canonical)
        for (turn, before, context), real in zip(placed, in_service, strict=False):
            latest = latest_of(before)
            kind, reply = _kind(latest, replies)
            said |= {t.reply for t in latest if t.reply}
            place = replace(
                place,
                need=place.need_after,
                need_after=turn.need or place.need_after,
                last_kind=kind,
                last_reply=reply,
                said=frozenset(said),
                facts=place.facts | facts.said_in(canonical(turn.user or "")),
                topics=frozenset({turn.topic} if turn.topic else ()) | _kept(place),
                categories=place.categories
                | ({c} if turn.topic and turn.need and (c := category_of(turn.topic)) else set()),
                asked=bool(latest)
                and any((t.lantern or "").rstrip().endswith("?") for t in latest),
            )
            act = turn.act or "unclear"
            found = heard(place, real) if real else place
            yield LabelledTurn(
                turn.user or "",
                found,
                act,
                turn.right,
                context,
                is_held=dialogue.is_held,
                begins=not any(earlier.user is not None for earlier in before),
            )


def leaning(
    turns: Sequence[LabelledTurn], vectors: Floats, model: DialogueModel, replies: Replies
) -> Iterator[LabelledTurn]:
    """Yield the turns of conversations in order, with what the messages before each asked for.

    `vectors` are those of the turns, shape (turns, 1536).
    """
    state = ConversationState()
    for turn, vector in zip(turns, vectors, strict=True):
        state = ConversationState() if turn.begins else state
        weights = dict(state.leaning)
        place = replace(turn.place, leaning=weights, themes=replies.in_themes(weights))
        yield replace(turn, place=place)
        state = state.leaning_to(model.asked(vector))


def _kept(place: Place) -> frozenset[str]:
    return frozenset(sorted(place.topics)[:1])


def _kind(latest: Sequence[Any], replies: Mapping[str, ReplyRecord]) -> tuple[str, str | None]:
    if not latest:
        return "none", None
    known = next((t.reply for t in latest if t.reply in replies), None)
    if known:
        return "reply", known
    labels = {t.reply for t in latest}
    if labels & {CARD, DANGER}:
        return "card", None
    return ("ask" if ASK in labels else "other"), None
