"""Places as they are in service: what the risk engine hears, and not what a label says."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from lab.dialogue.conversations import DialogueTurn, LabelledDialogue
from lab.dialogue.hearing import Hearing
from lab.dialogue.turns import labelled_turns
from safeguarding.content.facts import Facts
from safeguarding.content.replies import ReplyRecord
from safeguarding.risk.assessment import NO_RISK, Assessment, Turn
from safeguarding.taxonomy import Severity

REPLIES = {
    "go_ahead": ReplyRecord("go_ahead", "Go ahead", [], [], young_person="Take your time."),
}
FACTS = Facts({"is_adult": "They are grown up."}, {"is_adult": re.compile("grown man")})
TURNS = [
    {"user": "hiya", "need": "suicide"},
    {"reply": "go_ahead"},
    {"lantern": "And then?"},
    {"user": "he hits me", "need": "friend"},
    {"user": "hes a grown man"},
]


class Engine:
    """Hears that someone is hit; notes what it was given."""

    def __init__(self) -> None:
        self.read: list[tuple[str, tuple[Turn, ...]]] = []

    def assess(
        self, text: str, history: Sequence[Turn] = (), context: str | None = None
    ) -> Assessment:
        self.read.append((text, tuple(history)))
        hit = Assessment(Severity.URGENT, ("physical_abuse",), "self", ())
        return hit if "hits" in text else NO_RISK


def dialogue(id_: str) -> LabelledDialogue:
    turns = msgspec.convert(TURNS, tuple[DialogueTurn, ...])
    return LabelledDialogue(id_, "young_person", "x", turns)


def test_needs_categories_and_facts_are_those_that_the_engine_hears() -> None:
    hearing = Hearing(Engine().assess, FACTS, REPLIES, str.lower)
    calm, told, later = hearing.places(dialogue("x01-001"))

    assert (calm.need, calm.need_after) == (None, None)
    assert (told.need, told.need_after) == (None, "hurt_by_someone")
    assert (later.need, later.categories) == ("hurt_by_someone", {"physical_abuse"})
    assert (told.facts, later.facts) == (set(), {"is_adult"})


def test_the_engine_reads_what_lantern_said_too() -> None:
    engine = Engine()
    list(Hearing(engine.assess, FACTS, REPLIES, str.lower).places(dialogue("x01-001")))

    said = Turn("assistant", "Take your time. And then?")
    assert engine.read[0] == ("hiya", ())
    assert engine.read[1] == ("he hits me", (Turn("user", "hiya"), said))


def test_only_the_writers_of_the_ranking_are_heard() -> None:
    hearing = Hearing(Engine().assess, FACTS, REPLIES, str.lower)
    both = [dialogue("d20-001"), dialogue("d01-001")]
    turns = list(labelled_turns(both, REPLIES, FACTS, str.lower, lambda _: None, hearing))

    held, others = turns[:3], turns[3:]
    assert [turn.is_held for turn in turns] == [True] * 3 + [False] * 3
    assert [turn.place.need_after for turn in held] == [None, *["hurt_by_someone"] * 2]
    assert [turn.place.need_after for turn in others] == ["suicide", "friend", "friend"]
    assert held[1].context == others[1].context == "hiya / go ahead and then?"
